"""The gate's policy, test results on record, going back, and what a person sees of it."""

from __future__ import annotations

import html.parser
import json
import time
from pathlib import Path
from typing import List, Tuple

import pytest

from support.small_rpms import EPOCH, QUIET, Shop, Small, build
from switchroom.build import repo
from switchroom.build.repo.rollback import RolledBack
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign")

DAY = 86400.0
ENGINE = "engine-1.0-1.lab.noarch"


def shut(shop: Shop, *names: str) -> str:
    with pytest.raises(SwitchroomError, match="policy") as caught:
        shop.promote(*names)
    assert caught.value.code == ExitCode.REFUSED
    return caught.value.cause


def back(shop: Shop, **options: object) -> RolledBack:
    return repo.rollback(shop.root, "stable", key=shop.key, epoch=EPOCH, reporter=QUIET, **options)


def later(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    now = time.time() + days * DAY
    monkeypatch.setattr(time, "time", lambda: now)


def test_a_package_stays_in_testing_for_the_days_asked(
    shop: Shop, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish(small)
    repo.set_policy(shop.root, 7, None)
    assert f"{ENGINE}: in testing for 0.0 days of 7" in shut(shop)
    later(monkeypatch, 6.9)
    shut(shop, "engine")
    later(monkeypatch, 0.2)
    assert shop.promote("engine").added == (f"{ENGINE}.rpm",)


def test_publishing_something_else_does_not_begin_its_days_anew(
    shop: Shop, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish(small)
    repo.set_policy(shop.root, 7, None)
    later(monkeypatch, 8)
    shop.publish(*build(tmp_path / "new", Small("young")))
    assert shop.promote("engine").added
    shut(shop, "young")


def test_days_are_known_where_a_crash_lost_the_record(
    shop: Shop, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish(small)
    repo.set_policy(shop.root, 1, None)
    (shop.root / "records.jsonl").unlink()
    shut(shop, "engine")
    later(monkeypatch, 2)
    assert shop.promote("engine").added


def test_a_required_test_must_have_passed_on_the_very_file(shop: Shop, small: Path, tmp_path: Path) -> None:
    shop.publish(small)
    repo.set_policy(shop.root, None, ["lab"])
    assert f"{ENGINE}: no result of 'lab'" in shut(shop, "engine")
    shop.record("lab", ["engine"], passed=True)
    assert shop.promote("engine").added == (f"{ENGINE}.rpm",)
    shop.publish(*build(tmp_path / "new", Small("engine", version="1.1")))
    shut(shop, "engine")


def test_the_newest_result_counts_and_a_failure_shuts_the_gate(shop: Shop, small: Path) -> None:
    shop.publish(small)
    shop.record("soak", ["engine"], passed=True)
    shop.record("soak", ["engine"], passed=False)
    assert "'soak' failed on" in shut(shop, "engine")
    shop.record("soak", ["engine"], passed=True)
    assert shop.promote("engine").added


def test_force_passes_over_the_policy_and_is_recorded(shop: Shop, small: Path) -> None:
    shop.publish(small)
    repo.set_policy(shop.root, 7, ["lab"])
    done = shop.promote("engine", force="CVE-2026-1")
    assert any("no result of 'lab'" in text for text in done.passed_over)
    record = json.loads((shop.root / "records.jsonl").read_text().splitlines()[-1])
    assert record["event"] == "promoted"
    assert record["detail"]["forced"] == "CVE-2026-1"
    assert len(record["detail"]["passed_over"]) == 2


def test_force_does_not_open_the_rest_of_the_gate(shop: Shop, small: Path) -> None:
    shop.publish(small)
    with pytest.raises(SwitchroomError, match="would not close"):
        shop.promote("meta", force="hurry")


def test_stable_goes_back_in_one_step_and_numbers_go_on(shop: Shop, small: Path) -> None:
    shop.publish(small)
    shop.promote("engine")
    before = shop.nevras("stable")
    shop.promote("meta")
    done = back(shop, reason="calls drop")
    assert (done.restored, done.generation) == ("0001", "0003")
    assert done.removed == ("meta-1.0-1.lab.noarch.rpm",)
    assert shop.nevras("stable") == before
    assert repo.verify(shop.root).problems == ()
    assert (shop.root / "stable/el9/x86_64/mirrorlist").read_text().rstrip().endswith("generations/0003/")


def test_what_was_withdrawn_needs_a_test_that_passed_since(shop: Shop, small: Path) -> None:
    shop.publish(small)
    shop.record("lab", None, passed=True)
    shop.promote("engine")
    shop.promote("meta")
    back(shop)
    assert "withdrawn from stable" in shut(shop, "meta")
    shop.record("lab", ["meta"], passed=True)
    assert shop.promote("meta").added


def test_going_forward_again_by_number(shop: Shop, small: Path) -> None:
    shop.publish(small)
    shop.promote("engine")
    shop.promote("meta")
    back(shop)
    done = back(shop, to=2)
    assert done.returned == ("meta-1.0-1.lab.noarch.rpm",)


@pytest.mark.parametrize("to", [None, 1, 7])
def test_there_is_nothing_to_go_back_to(shop: Shop, small: Path, to: int) -> None:
    shop.publish(small)
    shop.promote("engine")
    with pytest.raises(SwitchroomError, match="to go back to") as caught:
        back(shop, to=to)
    assert caught.value.code == ExitCode.USAGE


def test_a_damaged_generation_is_not_gone_back_to(shop: Shop, small: Path) -> None:
    shop.publish(small)
    shop.promote("engine")
    shop.promote("meta")
    (victim,) = (shop.root / "stable/el9/x86_64/generations/0001/repodata").glob("*primary.xml.gz")
    victim.write_bytes(victim.read_bytes()[:-5])
    state = sorted(shop.root.rglob("*"))
    with pytest.raises(SwitchroomError, match="not whole"):
        back(shop)
    assert sorted(shop.root.rglob("*")) == state


def test_a_dry_run_of_going_back_changes_nothing(shop: Shop, small: Path) -> None:
    shop.publish(small)
    shop.promote("engine")
    shop.promote("meta")
    state = sorted(shop.root.rglob("*"))
    assert back(shop, dry_run=True).removed == ("meta-1.0-1.lab.noarch.rpm",)
    assert sorted(shop.root.rglob("*")) == state


def run(capsys: pytest.CaptureFixture[str], *words: object) -> Tuple[int, str]:
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_the_commands_tell_how_things_stand(
    shop: Shop, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.publish(small)
    root = ("--root", shop.root)
    assert run(capsys, "repo", "gate", *root, "--days", 2, "--require", "lab")[0] == ExitCode.DONE
    key = ("--key", shop.key.fingerprint, "--gnupghome", shop.key.gnupghome)
    run(capsys, "repo", "record", "--suite", "lab", "--passed", "engine", "--note", "build 7", *root, *key)
    code, text = run(capsys, "repo", "status", *root)
    assert code == ExitCode.DONE
    assert "testing  el9   generation 0001, 3 packages since" in text
    assert "stable   el9   nothing yet" in text
    assert f"{ENGINE}  (0.0 days, lab passed): in testing for 0.0 days of 2" in text
    data = json.loads(run(capsys, "repo", "status", "--json", *root)[1])
    assert data["gate"] == {"days": 2.0, "suites": ["lab"]}
    assert data["ahead"][0]["results"]["lab"]["note"] == "build 7"
    code, text = run(capsys, "repo", "gate", *root, "--require", "")
    assert "passed: none" in text
    assert "days in testing: 2" in text


@pytest.mark.parametrize("words", [("--days", "-1"), ("--days", "nan"), ("--require", "Lab Calls")])
def test_a_senseless_policy_is_refused(
    shop: Shop, small: Path, capsys: pytest.CaptureFixture[str], words: Tuple[str, str]
) -> None:
    shop.publish(small)
    code, text = run(capsys, "repo", "gate", "--root", shop.root, *words)
    assert code == ExitCode.USAGE
    assert words[1] in text


def test_damaged_records_are_named_and_nothing_is_promoted(shop: Shop, small: Path) -> None:
    shop.publish(small)
    (shop.root / "records.jsonl").write_text('{"time": 1\n')
    with pytest.raises(SwitchroomError, match=r"records\.jsonl"):
        shop.promote("engine")
    assert not (shop.root / "stable").exists()


class _Page(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.words, self.links, self.tags = "", [], []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, str]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_shows_the_channels_and_its_links_lead_somewhere(shop: Shop, small: Path) -> None:
    shop.publish(small)
    shop.promote("engine")
    shop.record("lab", ["tool"], passed=False, note="<script>alert(1)</script>")
    page = _Page((shop.root / "index.html").read_text())
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.words
    assert page.links
    assert all((shop.root / link).is_file() for link in page.links)
    assert "stable" in page.words
    assert "'lab' failed" in page.words


def test_each_major_has_its_channels_and_one_gate(shop: Shop, small: Path) -> None:
    shop.publish(small)
    shop.publish(small, el=10)
    assert len(shop.promote("engine", el=10).added) == 1
    assert repo.open_repo(shop.root, "stable").current is None
    assert [each.nevra for each in repo.open_repo(shop.root, "stable", 10).packages()] == [ENGINE]
    verified = repo.verify(shop.root)
    assert verified.problems == ()
    assert verified.generations == ("testing/el9/0001", "testing/el10/0001", "stable/el10/0001")
    mirrors = (shop.root / "stable/el10/x86_64/mirrorlist").read_text()
    assert "/stable/el10/x86_64/generations/0001/" in mirrors
    ahead = [standing.package.nevra for standing in repo.status(shop.root).ahead]
    assert ahead.count(ENGINE) == 1
    assert len(ahead) == 5
