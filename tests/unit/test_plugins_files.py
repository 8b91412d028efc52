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
