"""The module that has several files as they should be."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from support.collection import collections, module

__all__ = ["collections"]

Settle = Callable[..., Dict[str, Any]]


@pytest.fixture
def settle(collections: Path, tmp_path: Path) -> Settle:
    def run(*files: Dict[str, Any], words: tuple[str, ...] = ()) -> Dict[str, Any]:
        return module(collections, "box_files", {"files": list(files)}, *words, path=tmp_path)

    return run


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_differs_is_changed_and_nothing_else(settle: Settle, tmp_path: Path) -> None:
    unit, folder, gone, secret = (tmp_path / name for name in ("a/b.conf", "folder", "gone", "secret"))
    gone.write_text("old")
    secret.write_text("key")
    os.chmod(secret, 0o644)
    wanted: list[Dict[str, Any]] = [
        {"path": str(folder), "state": "directory", "mode": "2750"},
        {"path": str(unit), "content": "one\n"},
        {"path": str(secret), "content": "key", "mode": "0600"},
        {"path": str(gone), "state": "absent"},
    ]
    foretold = settle(*wanted, words=("--check", "--diff"))
    assert (foretold["paths"], unit.exists(), gone.exists(), mode(secret)) == (
        [entry["path"] for entry in wanted],
        False,
        True,
        0o644,
    )
    assert "+one" in foretold["printed"]
    assert settle(*wanted)["paths"] == foretold["paths"]
    assert (unit.read_text(), mode(unit), mode(folder), mode(secret)) == ("one\n", 0o644, 0o2750, 0o600)
    assert not gone.exists()
    assert not settle(*wanted)["changed"]


def test_a_content_that_does_not_pass_leaves_the_old_one(settle: Settle, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    second.write_text("good\n")
    check = "grep --quiet good %s"
    result = settle(
        {"path": str(first), "content": "very good\n", "validate": check},
        {"path": str(second), "content": "bad\n", "validate": check},
    )
    assert result["failed"]
    assert str(second) in result["msg"]
    assert (first.read_text(), second.read_text()) == ("very good\n", "good\n")
    assert {path.name for path in tmp_path.iterdir()} >= {"first", "second"}
    assert not list(tmp_path.glob(".new-*"))


def test_nothing_is_written_where_others_may_put_links(settle: Settle, tmp_path: Path) -> None:
    theirs, secret = tmp_path / "theirs", tmp_path / "secret"
    theirs.mkdir()
    theirs.chmod(0o777)
    secret.write_text("root's\n")
    (theirs / "conf").symlink_to(secret)
    (tmp_path / "way").symlink_to("theirs/../theirs")
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    said = settle({"path": str(shared / "missing/file"), "content": "x"})
    assert said["failed"]
    assert str(shared) in said["msg"]
    for place in (theirs / "conf", tmp_path / "way/deeper/new"):
        said = settle({"path": str(place), "content": "attacker's\n", "mode": "0666"})
        assert said["failed"]
        assert str(theirs) in said["msg"]
    assert (secret.read_text(), mode(secret)) == ("root's\n", 0o644)
    assert [path.name for path in theirs.iterdir()] == ["conf"]
    # Its own attributes are root's to give, because what it lies in is root's.
    assert settle({"path": str(theirs), "state": "directory", "mode": "0755"})["paths"] == [str(theirs)]


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder to another user")
def test_a_link_of_another_user_is_not_followed(settle: Settle, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "middle").symlink_to("own")
    os.chown(tmp_path / "middle", 65534, 65534, follow_symlinks=False)
    (tmp_path / "first").symlink_to("middle")
    said = settle({"path": str(tmp_path / "first/file"), "content": "x"})
    assert said["failed"]
    assert str(tmp_path / "middle") in said["msg"]
    assert not list((tmp_path / "own").iterdir())
