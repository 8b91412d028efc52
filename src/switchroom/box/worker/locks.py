"""The locks of a box: files of root's in a folder of root's, so that nobody else can take one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Iterator

from switchroom.box.paths import Paths
from switchroom.box.worker import state
from switchroom.core import lock

_WORKER_SECONDS = 10.0
_PROGRAMS = (b"switchroom", b"asterisk-version-switch")


@contextlib.contextmanager
def worker(paths: Paths, say: state.Say) -> Iterator[None]:
    """Be the one writer of the open transaction; raises SwitchroomError (REFUSED) while there is another."""
    state.own(paths, say)
    with lock.exclusive(_worker(paths), what="this box's switch", wait=_WORKER_SECONDS):
        yield


@contextlib.contextmanager
def client(paths: Paths, say: state.Say) -> Iterator[None]:
    """Be the one who prepares a change of this box; raises SwitchroomError (REFUSED) while another does."""
    state.own(paths, say)
    with lock.exclusive(_client(paths), what="a switch of this box", wait=0):
        yield


def taken(paths: Paths) -> bool:
    """Return whether anybody holds the worker's lock or the client's."""
    return any(lock.holder(path) is not None for path in (_worker(paths), _client(paths)))


def at_work(paths: Paths) -> bool:
    """Return whether who holds one of them is a program of ours that lives, and runs as root."""
    return any(_is_ours(lock.holder(path) or 0) for path in (_worker(paths), _client(paths)))


def _is_ours(pid: int) -> bool:
    process = Path("/proc") / str(pid)
    try:
        ours = process.stat().st_uid == os.geteuid()
        return ours and any(name in (process / "cmdline").read_bytes() for name in _PROGRAMS)
    except OSError:
        return False


def _worker(paths: Paths) -> Path:
    return paths.runtime / "worker.lock"


def _client(paths: Paths) -> Path:
    return paths.runtime / "switch.lock"
