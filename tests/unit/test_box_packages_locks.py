"""Who holds the box's package locks: told by what the process has loaded, not by its number."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from switchroom.box.packages import clear_stale_locks, lock_holder
from switchroom.box.paths import Paths

DNF_MAPS = (
    "7f00-7f01 r-xp 0 00:00 1 /usr/lib64/libc.so.6\n7f02-7f03 r-xp 0 00:00 2 /usr/lib64/librpm.so.9.2.1\n"
)
OTHER_MAPS = (
    "7f00-7f01 r-xp 0 00:00 1 /usr/lib64/libc.so.6\n7f02-7f03 r-xp 0 00:00 2 /usr/lib64/librpmatch.so\n"
)
LOCK = "var/lib/dnf/rpmdb_lock.pid"


def process(root: Path, pid: int, maps: str, name: str = "dnf") -> None:
    folder = root / "proc" / str(pid)
    folder.mkdir(parents=True)
    (folder / "maps").write_text(maps)
    (folder / "comm").write_text(f"{name}\n")


def lock(root: Path, text: str) -> Path:
    path = root / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_box_at_rest_has_no_holder(tmp_path: Path) -> None:
    assert lock_holder(Paths(tmp_path)) is None
    assert clear_stale_locks(Paths(tmp_path)) == ()


def test_a_living_dnf_is_named_and_its_lock_stays(tmp_path: Path) -> None:
    process(tmp_path, 1234, DNF_MAPS)
    path = lock(tmp_path, "1234")
    assert lock_holder(Paths(tmp_path)) == f"dnf (process 1234) holds '/{LOCK}'"
    assert clear_stale_locks(Paths(tmp_path)) == ()
    assert path.exists()


@pytest.mark.parametrize("text", ["4321", "", "not a number", "0"], ids=["gone", "empty", "garbage", "zero"])
def test_a_lock_of_nobody_is_removed(tmp_path: Path, text: str) -> None:
    path = lock(tmp_path, text)
    assert lock_holder(Paths(tmp_path)) is None
    assert clear_stale_locks(Paths(tmp_path)) == (path,)
    assert not path.exists()


def test_a_number_that_another_program_got_since_is_no_holder(tmp_path: Path) -> None:
    process(tmp_path, 1234, OTHER_MAPS, name="mysqld")
    path = lock(tmp_path, "1234")
    assert lock_holder(Paths(tmp_path)) is None
    assert clear_stale_locks(Paths(tmp_path)) == (path,)


@pytest.mark.parametrize("folder", ["var/lib/rpm", "usr/lib/sysimage/rpm"], ids=["EL9", "EL10"])
def test_the_lock_of_rpm_itself_is_seen(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / ".rpm.lock"
    path.parent.mkdir(parents=True)
    path.touch()
    assert lock_holder(Paths(tmp_path)) is None
    # Another process, since a process never sees its own locks.
    hold = "import fcntl, sys, time; f = open(sys.argv[1], 'r+'); fcntl.lockf(f, fcntl.LOCK_EX)"
    argv = [sys.executable, "-c", f"{hold}; print('held', flush=True); time.sleep(600)", path]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        told = lock_holder(Paths(tmp_path))
        holder.kill()
    assert told == f"a package manager (process {holder.pid}) holds '/{folder}/.rpm.lock'"
    assert lock_holder(Paths(tmp_path)) is None
