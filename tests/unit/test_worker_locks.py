"""Who can take a box's locks, and what is made of one that somebody else holds."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

import pytest

from support.switch_box import Simulation
from switchroom.box.switch import status, transaction
from switchroom.box.worker import locks
from switchroom.cli.status import code
from switchroom.core import lock
from switchroom.core.errors import ExitCode, SwitchroomError

SRC = Path(__file__).parents[2] / "src"
# A program whose command line names it, as that of the worker does.
WORKER = """\
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from switchroom.core.lock import exclusive
with exclusive(Path(sys.argv[2]), what="it", wait=5):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulation:
    monkeypatch.setattr(locks, "_WORKER_SECONDS", 0.1)
    return Simulation(tmp_path, monkeypatch)


def held(path: Path, *names: str) -> subprocess.Popen[str]:
    """Have another process hold a lock."""
    argv = [sys.executable, "-c", WORKER, str(SRC), str(path), *names]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "held\n"
    return child


@pytest.fixture
def stranger(box: Simulation) -> Iterator[int]:
    """Hold the worker's lock as somebody does who once could open it: nothing in it says who."""
    handle = os.open(box.paths.runtime / "worker.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield handle
    os.close(handle)


def test_a_lock_is_its_owners_alone_also_one_of_an_older_release(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch(mode=0o644)
    with lock.exclusive(path, what="it", wait=0):
        assert path.stat().st_mode & 0o777 == 0o600
        assert lock.holder(path) == os.getpid()
    assert lock.holder(path) is None


def test_no_link_is_locked(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"), lock.exclusive(tmp_path / "lock", what="it", wait=0):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_the_worker_itself_is_at_work(box: Simulation) -> None:
    child = held(box.paths.runtime / "worker.lock", "switchroom")
    try:
        assert lock.holder(box.paths.runtime / "worker.lock") == child.pid
        assert status.working(box.paths)
    finally:
        child.kill()
        child.wait()
    assert not status.working(box.paths)


def test_a_stranger_with_the_lock_is_no_worker(box: Simulation, stranger: int) -> None:
    box.submit()
    assert not status.working(box.paths)
    found = status.read(box.paths)
    assert code(found, ill=False) == 4
    assert found.transaction
    assert "by itself" not in found.transaction.next


def test_the_number_of_a_dead_worker_proves_nothing(box: Simulation, stranger: int) -> None:
    child = subprocess.Popen(["sleep", "60"])  # has the number now
    try:
        os.pwrite(stranger, b"%d\n" % child.pid, 0)
        assert not status.working(box.paths)
    finally:
        child.kill()
        child.wait()
    assert not status.working(box.paths)


def test_a_worker_that_waits_for_a_stranger_is_not_at_work(
    box: Simulation, stranger: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = status.Unit("x").state().__class__("active", "running", "success", 7, 0, 0, False)
    monkeypatch.setattr(status, "Unit", lambda *_name: type("U", (), {"state": lambda _self: active})())
    assert not status.working(box.paths)


def test_who_cannot_have_the_lock_says_so_with_a_code_that_is_tried_again(
    box: Simulation, stranger: int
) -> None:
    box.submit()
    begin = time.monotonic()
    assert box.work() == 3
    assert time.monotonic() - begin < 5
    fcntl.flock(stranger, fcntl.LOCK_UN)
    assert box.work() == 0


def test_no_other_refusal_has_that_code(box: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_paths: object) -> None:
        raise SwitchroomError("No.", code=ExitCode.REFUSED)

    monkeypatch.setattr(transaction, "load_settings", refuse)
    box.submit()
    assert box.work() == 4


def test_a_full_disk_keeps_nobody_from_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with lock.exclusive(tmp_path / "lock", what="it", wait=0):
        assert lock.holder(tmp_path / "lock") == 0


def test_asterisk_is_started_and_stopped_even_where_its_lock_cannot_be_had(box: Simulation) -> None:
    (box.paths.runtime / "asterisk.lock").mkdir()
    box.submit()
    assert box.work() == 0
    assert box.outcome["outcome"] == "kept"
