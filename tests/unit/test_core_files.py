"""Files that are whole or not there."""

import os
from pathlib import Path

import pytest

from switchroom.core import files


def test_write_atomic_replaces_the_whole_file_and_sets_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    files.write_atomic(target, b"old content, longer")
    files.write_atomic(target, b"new", mode=0o600)
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_write_atomic_leaves_the_old_file_when_the_write_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "file"
    files.write_atomic(target, b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_atomic(target, b"new")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_link_atomic_moves_an_existing_link(tmp_path: Path) -> None:
    link = tmp_path / "current"
    files.link_atomic("one", link)
    files.link_atomic("two", link)
    assert os.readlink(link) == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["current"]


def test_staging_is_gone_after_a_failure(tmp_path: Path) -> None:
    def interrupted() -> None:
        with files.staging(tmp_path) as folder:
            (folder / "half").write_text("made")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_sha256_of_known_bytes(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert files.sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_flushing_the_file_system_of_what_is_not_there_names_it(tmp_path: Path) -> None:
    files.syncfs(tmp_path)
    with pytest.raises(FileNotFoundError) as missing:
        files.syncfs(tmp_path / "absent")
    assert Path(missing.value.filename) == tmp_path / "absent"
