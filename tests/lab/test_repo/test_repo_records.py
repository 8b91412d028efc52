"""Whose word counts: records and page are signed, and what was done to them since is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from support.small_rpms import EPOCH, QUIET, Shop
from switchroom.build import repo
from switchroom.build.keys import SigningKey
from switchroom.build.repo import keyring, layout
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign")

ENGINE = "engine-1.0-1.lab.noarch"
_NEW_FIELDS = ("previous", "signature")


def shut(shop: Shop, **options: object) -> str:
    with pytest.raises(SwitchroomError, match="policy") as caught:
        shop.promote("engine", **options)
    assert caught.value.code == ExitCode.REFUSED
    return caught.value.cause


def rewrite(shop: Shop, change: Callable[[List[Dict[str, Any]]], object]) -> None:
    """Let somebody change the records on disk."""
    path = shop.root / layout.RECORDS
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    change(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def strip(rows: List[Dict[str, Any]]) -> None:
    """Make records what they were before they were signed."""
    for row in rows:
        for name in _NEW_FIELDS:
            row.pop(name, None)


def forge(shop: Shop, key: SigningKey, folder: Path) -> None:
    """Let the holder of another key add a record that a test passed on the engine."""
    copy = Shop(folder / "copy", key)
    shutil.copytree(shop.root, copy.root, symlinks=True)
    (copy.root / layout.PUBLIC_KEY).write_bytes(key.export_public())
    copy.record("lab", ["engine"], passed=True)
    forged = json.loads((copy.root / layout.RECORDS).read_text().splitlines()[-1])
    rewrite(shop, lambda rows: rows.append(forged))


def test_a_result_counts_for_the_major_it_was_tested_on(shop: Shop, small: Path) -> None:
    shop.publish(small)
    shop.publish(small, el=10)
    repo.set_policy(shop.root, None, ["lab"])
    shop.record("lab", ["engine"], passed=True)
    assert f"{ENGINE}: no result of 'lab'" in shut(shop, el=10)
    shop.record("lab", ["engine"], passed=True, el=10)
    assert shop.promote("engine", el=10).added == (f"{ENGINE}.rpm",)


def test_a_record_without_a_signature_does_not_open_the_gate(shop: Shop, small: Path) -> None:
    shop.publish(small)
    repo.set_policy(shop.root, None, ["lab"])
    shop.record("lab", ["engine"], passed=True)
    rewrite(shop, strip)
    assert f"{ENGINE}: no result of 'lab'" in shut(shop)
    found = repo.verify(shop.root)
    assert found.problems == ()
    assert "2 records are not signed" in "\n".join(found.remarks)
    assert "record the tests again" in "\n".join(repo.status(shop.root).remarks)
    shop.record("lab", ["engine"], passed=True)  # the way out
    done = shop.promote("engine")
    assert done.added == (f"{ENGINE}.rpm",)
    assert "not signed" in "\n".join(done.remarks)


def test_a_failure_without_a_signature_still_shuts_the_gate(shop: Shop, small: Path) -> None:
    shop.publish(small)
    shop.record("soak", ["engine"], passed=False)
    rewrite(shop, strip)
    assert "'soak' failed" in shut(shop)
    shop.record("soak", ["engine"], passed=True)
    assert shop.promote("engine").added


def _pass(rows: List[Dict[str, Any]]) -> None:
    rows[-1]["detail"]["passed"] = True


def _drop(rows: List[Dict[str, Any]]) -> None:
    del rows[1]


def _name_another(rows: List[Dict[str, Any]]) -> None:
    rows[-1]["packages"]["tool-1.0-1.lab.noarch.rpm"] = "0" * 64


def _move(rows: List[Dict[str, Any]]) -> None:
    rows[-1]["channel"] = "testing/el10"


@pytest.mark.parametrize("change", [_pass, _drop, _name_another, _move])
def test_a_changed_record_is_found_and_counts_no_more(
    shop: Shop, small: Path, change: Callable[[List[Dict[str, Any]]], object]
) -> None:
    shop.publish(small)
    repo.set_policy(shop.root, None, ["lab"])
    shop.record("lab", ["engine"], passed=True)
    shop.record("lab", ["engine"], passed=False)
    rewrite(shop, change)
    (problem,) = repo.verify(shop.root).problems
    assert "records.jsonl' were changed" in problem
    shop.record("other", ["engine"], passed=True)
    assert "records.jsonl' were changed" in repo.verify(shop.root).problems[0], (
        "signed over by the next record"
    )
    rewrite(shop, lambda rows: rows.pop())


def test_a_record_of_somebody_elses_key_does_not_count(
    shop: Shop, small: Path, foreign_key: SigningKey, tmp_path: Path
) -> None:
    shop.publish(small)
    repo.set_policy(shop.root, None, ["lab"])
    forge(shop, foreign_key, tmp_path)
    assert "no result of 'lab'" in shut(shop)
    assert "1 records in" in repo.verify(shop.root).problems[0]
    with pytest.raises(SwitchroomError, match="key other than"):
        repo.record(shop.root, "lab", None, passed=True, key=foreign_key)


def test_a_changed_page_is_found_and_the_next_publish_mends_it(shop: Shop, small: Path) -> None:
    shop.publish(small)
    page = shop.root / layout.PAGE
    good = page.read_bytes()
    for bad in (good.replace(b"file://", b"http://"), good.rpartition(b"<!--\n")[0], None):
        page.unlink()
        if bad is not None:
            page.write_bytes(bad)
        (problem,) = repo.verify(shop.root).problems
        assert "index.html'" in problem
        shop.publish(small)
        assert repo.verify(shop.root).problems == ()


def test_superseded_generations_are_verified(shop: Shop, small: Path) -> None:
    shop.publish(small / f"{ENGINE}.rpm")
    first = shop.current()
    shop.publish(small)
    found = repo.verify(shop.root)
    assert (found.problems, found.superseded) == ((), ("testing/el9/0001",))
    (primary,) = (first / "repodata").glob("*-primary.xml.gz")
    primary.write_bytes(primary.read_bytes()[:-5])
    assert f"'{primary}' does not match repomd.xml" in repo.verify(shop.root).problems[0]
    shutil.rmtree(first / "repodata")
    assert f"{first}/repodata/repomd.xml' is not there" in repo.verify(shop.root).problems[0]


def test_a_key_slipped_into_the_file_makes_nothing_count(
    shop: Shop, small: Path, foreign_key: SigningKey, tmp_path: Path
) -> None:
    shop.publish(small)
    trusted = tmp_path / "trusted.asc"
    shutil.copy(shop.root / layout.PUBLIC_KEY, trusted)
    handed = shop.root / layout.PUBLIC_KEY
    handed.write_bytes(handed.read_bytes() + foreign_key.export_public())
    problems = "\n".join(repo.verify(shop.root, key_file=trusted).problems)
    assert f"hands out the key {foreign_key.fingerprint}, which is not trusted" in problems
    with pytest.raises(SwitchroomError, match="does not vouch for") as caught:
        shop.promote("engine")
    assert caught.value.code == ExitCode.REFUSED
    forge(shop, foreign_key, tmp_path)
    keyring.change(shop.root, shop.key, EPOCH, remove=[foreign_key.fingerprint])
    assert "1 records in" in repo.verify(shop.root).problems[0], "taking the key away vouched for its record"
    rewrite(shop, lambda rows: rows.pop(-2))
    assert repo.verify(shop.root, key_file=trusted).problems == ()
    assert shop.promote("engine").added


def test_rolling_back_is_signed_like_the_rest(shop: Shop, small: Path) -> None:
    shop.publish(small)
    shop.promote("engine")
    shop.promote("meta")
    repo.rollback(shop.root, "stable", key=shop.key, epoch=EPOCH, reporter=QUIET)
    found = repo.verify(shop.root)
    assert (found.problems, found.remarks) == ((), ())
