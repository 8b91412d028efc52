"""A package whose texts no reader of XML takes is refused; what is in force anyhow can be left."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Iterator

import pytest

from support.small_rpms import EPOCH, QUIET, Shop, Small, build, rpmbuild
from switchroom.build import repo
from switchroom.build.repo import generation
from switchroom.build.repo.metadata import record_paths
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign")

_ESCAPE = "%{lua:print(string.char(27))}[1mbold"


def odd(folder: Path, old: str, new: str) -> Path:
    """Build a small package whose spec has ``new`` in the place of ``old``; return its file."""
    folder.mkdir()
    spec = folder / "odd.spec"
    spec.write_text(Small("odd").spec().replace(old, new, 1))
    rpmbuild(folder, [spec])
    (rpm,) = (folder / "rpms" / "noarch").glob("*.rpm")
    return rpm


def files(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if path.name != ".lock")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Small package.\n", f"In colour: {_ESCAPE}\n"),
        ("Summary: Small package", f"Summary: {_ESCAPE}"),
        ("- Made on the spot", f"- {_ESCAPE}"),
        ("Summary: Small package", "Summary: %{lua:print(string.char(0xc2, 0x9b))}1mbold"),
        ("Summary: Small package", "Summary: %{lua:print(string.char(0xef, 0xbf, 0xbf))}"),
    ],
    ids=["description", "summary", "changelog", "c1", "no character"],
)
def test_control_characters_are_refused_before_anything_is_written(
    shop: Shop, small: Path, tmp_path: Path, old: str, new: str
) -> None:
    shop.publish(small)
    before = list(files(shop.root))
    rpm = odd(tmp_path / "odd", old, new)
    for dry_run in (True, False):
        with pytest.raises(SwitchroomError, match="cannot be published") as caught:
            shop.publish(rpm, dry_run=dry_run)
        assert caught.value.code is ExitCode.REFUSED
        assert str(rpm) in caught.value.cause
        assert caught.value.cause.isprintable()
    assert list(files(shop.root)) == before
    assert repo.verify(shop.root).problems == ()


def test_texts_of_all_languages_are_published(shop: Shop, tmp_path: Path) -> None:
    text = "Größe, 電話,\t日本語 & <b> 📞"
    shop.publish(odd(tmp_path / "odd", "Small package.\n", text + "\n"))
    assert [one.record.description for one in repo.open_repo(shop.root, "testing").packages()] == [text]


def test_a_generation_that_cannot_be_read_back_does_not_come_into_force(
    shop: Shop, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish(small)
    before = shop.current()
    write = generation.write_repodata

    def torn(folder: Path, *rest: object) -> Path:
        repomd = write(folder, *rest)  # type: ignore[arg-type]
        spoil(folder)
        return repomd

    monkeypatch.setattr(generation, "write_repodata", torn)
    with pytest.raises(SwitchroomError, match="cannot be read"):
        shop.publish(*build(tmp_path / "new", Small("new")))
    assert shop.current() == before
    assert repo.verify(shop.root).problems == ()


def spoil(folder: Path) -> None:
    """Make a repository's metadata no XML, as one that an earlier version wrote."""
    path, _ = record_paths(folder)["primary"]
    text = gzip.decompress(path.read_bytes()).replace(b"<summary>", b"<summary>\x1b[1m")
    path.chmod(0o644)
    path.write_bytes(gzip.compress(text))


@pytest.fixture
def unreadable(shop: Shop, small: Path, tmp_path: Path) -> Shop:
    """A repository of whose stable channel what is in force cannot be read, and something before it can."""
    shop.publish(small)
    shop.promote("engine")
    shop.publish(*build(tmp_path / "new", Small("new")))
    shop.promote("new")
    spoil(shop.current("stable"))
    return shop


@pytest.mark.parametrize("worse", [False, True])
def test_a_rollback_needs_nothing_of_what_it_leaves(unreadable: Shop, worse: bool) -> None:
    shop = unreadable
    if worse:
        shutil.rmtree(shop.current("stable"))
    key = {"key": shop.key, "epoch": EPOCH, "reporter": QUIET}
    tried = repo.rollback(shop.root, "stable", dry_run=True, **key)  # type: ignore[arg-type]
    done = repo.rollback(shop.root, "stable", **key)  # type: ignore[arg-type]
    assert done.removed == tried.removed == (() if worse else ("new-1.0-1.lab.noarch.rpm",))
    assert shop.nevras("stable") == ["engine-1.0-1.lab.noarch"]
    if not worse:
        with pytest.raises(SwitchroomError, match="policy"):
            shop.promote("new")  # withdrawn


def test_a_channel_that_cannot_be_read_is_told_and_the_other_one_goes_back(
    unreadable: Shop, tmp_path: Path
) -> None:
    shop = unreadable
    found = repo.status(shop.root)
    assert [(one.name, bool(one.problem)) for one in found.channels] == [("testing", False), ("stable", True)]
    assert any("rollback" in line for line in found.remarks)
    done = repo.rollback(shop.root, "testing", key=shop.key, epoch=EPOCH, reporter=QUIET)
    assert done.removed == ("new-1.0-1.lab.noarch.rpm",)
    with pytest.raises(SwitchroomError, match="cannot be read") as caught:
        shop.publish(*build(tmp_path / "more", Small("more")))
    assert "switchroom repo rollback" in caught.value.hint
