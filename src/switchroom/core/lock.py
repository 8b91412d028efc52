"""One writer at a time: an advisory lock on a file, released by the kernel however its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import Iterator

from switchroom.core.errors import ExitCode, SwitchroomError

_POLL_SECONDS = 0.05


@contextlib.contextmanager
def exclusive(path: Path, *, what: str, wait: float) -> Iterator[None]:
    """Hold the lock file ``path`` (made if absent, never removed) around a block of work.

    ``what`` names the thing locked. Waits up to ``wait`` seconds for another holder, then raises
    SwitchroomError (code REFUSED). Keeps out other processes and other threads alike.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(handle, path, what, time.monotonic() + wait)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, path: Path, what: str, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise SwitchroomError(
                    f"Another process is working on {what}.",
                    hint=f"Wait for it to end; it holds the lock '{path}'.",
                    code=ExitCode.REFUSED,
                ) from None
        time.sleep(_POLL_SECONDS)
