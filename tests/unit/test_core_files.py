"""Files that are whole or not there."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Iterator, Tuple

import pytest

from switchroom.core import files
from switchroom.core.errors import ExitCode, SwitchroomError


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


_HOLD = (
    "import sys, time; from pathlib import Path; from switchroom.core.files import staging\n"
    "with staging(Path(sys.argv[1]), '.x.iso.') as folder:\n"
    "    (folder / 'half').write_text('made'); print(folder, flush=True); time.sleep(60)"
)


@contextlib.contextmanager
def holder(parent: Path) -> Iterator[Tuple["subprocess.Popen[str]", Path]]:
    command = [sys.executable, "-c", _HOLD, str(parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_what_a_killed_process_left_goes_with_the_next_and_the_living_keep_theirs(tmp_path: Path) -> None:
    for name in (".x.iso.original", ".x.iso.abcd1234", ".y.iso.abcd1234.unfinished"):
        (tmp_path / name).mkdir()
    others = set(tmp_path.iterdir())
    with holder(tmp_path) as (process, folder):
        with files.staging(tmp_path, ".x.iso."):
            assert (folder / "half").read_text() == "made"
        process.kill()
        process.wait()
        assert (folder / "half").exists()
        with files.staging(tmp_path, ".x.iso.") as mine:
            assert set(tmp_path.iterdir()) == {*others, mine}
    assert set(tmp_path.iterdir()) == others


def test_second_process_is_refused_where_one_is_to_work_alone(tmp_path: Path) -> None:
    with holder(tmp_path) as (process, folder):
        refused = pytest.raises(SwitchroomError, match=r"working on 'x\.iso'")
        with refused as caught, files.staging(tmp_path, ".x.iso.", alone="'x.iso'"):
            pytest.fail("it was let in")
        assert caught.value.code is ExitCode.REFUSED
        assert list(tmp_path.iterdir()) == [folder]
        process.kill()
        process.wait()
        with files.staging(tmp_path, ".x.iso.", alone="'x.iso'"):
            pass
    assert list(tmp_path.iterdir()) == []


def test_second_interrupt_does_not_stop_the_cleaning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.rmtree

    def interrupted(path: Path, **options: bool) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        real(path, **options)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with files.staging(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
