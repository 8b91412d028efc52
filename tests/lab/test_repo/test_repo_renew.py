"""Metadata are good for one channel, one major and some days; a renewal comes before their end."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from support.small_rpms import EPOCH, QUIET, Shop, Small, build
from switchroom.build import repo
from switchroom.build.repo import binding
from switchroom.build.repo.binding import Binding, read
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign")

_ENGINE = "engine-1.0-1.lab.noarch.rpm"


def later(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """Let days pass."""
    now = binding.today() + datetime.timedelta(days=days)
    monkeypatch.setattr(binding, "today", lambda: now)


def renew(shop: Shop, **options: object) -> repo.Renewed:
    return repo.renew(shop.root, key=shop.key, epoch=EPOCH, reporter=QUIET, **options)


def test_metadata_say_their_channel_major_and_last_day(shop: Shop, small: Path, tmp_path: Path) -> None:
    end = binding.today() + datetime.timedelta(days=30)
    shop.publish(small, el=10)
    shop.promote("engine", el=10, until=datetime.date(2099, 1, 2))
    for channel, until in {"testing": end, "stable": datetime.date(2099, 1, 2)}.items():
        current = repo.open_repo(shop.root, channel, 10).current
        assert current
        assert read(current) == Binding(channel, 10, until)
        assert read(current / "debug") == Binding(f"{channel}-debuginfo", 10, until)
    repo.export_media(shop.root, "stable", tmp_path / "media", key=shop.key, epoch=EPOCH, el=10)
    assert read(tmp_path / "media") == Binding("medium", 10)


def test_what_has_time_left_is_left_alone_and_the_rest_is_renewed(
    shop: Shop, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish(small)
    shop.promote("engine", until=binding.today() + datetime.timedelta(days=90))
    assert renew(shop).renewed == {}
    later(monkeypatch, 16)
    before = shop.nevras()
    assert set(renew(shop, dry_run=True).renewed) == {"testing/el9"}
    assert shop.current().name == "0001"
    done = renew(shop)
    assert set(done.renewed) == {"testing/el9"}
    assert set(done.unchanged) == {"stable/el9"}
    assert shop.current().name == "0002"
    assert shop.nevras() == before
    assert repo.verify(shop.root).problems == ()
    assert set(renew(shop, everything=True).renewed) == {"testing/el9", "stable/el9"}


def test_the_end_is_told_before_and_is_a_problem_after(
    shop: Shop, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish(small)
    assert repo.verify(shop.root).remarks == ()
    later(monkeypatch, 25)
    found = repo.verify(shop.root)
    assert found.problems == ()
    assert [line.partition(" is good until ")[0] for line in found.remarks] == ["testing/el9"]
    later(monkeypatch, 6)
    problems = repo.verify(shop.root).problems
    assert len(problems) == 2
    assert all("boxes refuse them: switchroom repo renew" in line for line in problems)
    renew(shop)
    assert repo.verify(shop.root).problems == ()


def test_renewals_do_not_push_out_what_one_could_go_back_to(shop: Shop, small: Path, tmp_path: Path) -> None:
    shop.publish(small)
    shop.promote("engine")
    shop.publish(*build(tmp_path / "new", Small("new")))
    shop.promote("new")
    for _ in range(5):
        renew(shop, everything=True)
        for channel in (repo.open_repo(shop.root, name) for name in ("testing", "stable")):
            channel.prune(retention=0.0)
    assert repo.open_repo(shop.root, "stable").numbers() == [1, 7]
    done = repo.rollback(shop.root, "stable", key=shop.key, epoch=EPOCH, reporter=QUIET)
    assert (done.restored, done.removed) == ("0001", ("new-1.0-1.lab.noarch.rpm",))


def test_a_renewal_vouches_for_nothing_that_is_not_whole(shop: Shop, small: Path) -> None:
    shop.publish(small / _ENGINE)
    (shop.current() / "packages" / "evil.rpm").write_bytes(b"x")
    with pytest.raises(SwitchroomError, match="is not whole") as caught:
        renew(shop, everything=True)
    assert caught.value.code is ExitCode.REFUSED
    assert shop.current().name == "0001"


def test_a_day_that_has_passed_and_a_plain_address_are_usage_errors(
    shop: Shop, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = ["--key", shop.key.fingerprint, "--gnupghome", str(shop.key.gnupghome)]
    command = ["repo", "publish", "--root", str(shop.root), str(small), *key]
    assert main([*command, "--valid-until", "2020-01-01"]) == ExitCode.USAGE
    assert "good for nothing" in capsys.readouterr().err
    assert main([*command, "--url", "http://packages.example.com"]) == ExitCode.USAGE
    assert "over https" in capsys.readouterr().err
    assert main(command) == ExitCode.DONE
    assert main(["repo", "renew", "--root", str(shop.root), "--all", *key]) == ExitCode.DONE
    assert "testing/el9 renewed, good until" in capsys.readouterr().out
    assert main(["repo", "status", "--root", str(shop.root)]) == ExitCode.DONE
    assert "good until" in capsys.readouterr().out
