"""One writer at a time: an advisory lock on a file, released by the kernel however its holder dies.

Whoever can read a file can lock it, so a lock's file is its owner's alone, and holds its holder's number.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import Iterator, Optional

from switchroom.core.errors import ExitCode, SwitchroomError

_POLL_SECONDS = 0.05
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC
_DIGITS = 20


@contextlib.contextmanager
def exclusive(path: Path, *, what: str, wait: float) -> Iterator[None]:
    """Hold the lock file ``path`` (made if absent, never removed) around a block of work.

    ``what`` names the thing locked. Waits up to ``wait`` seconds for another holder, then raises
    SwitchroomError (code REFUSED). Keeps out other processes and other threads alike.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
    try:
        os.fchmod(handle, 0o600)  # releases before this one made it for everybody to read
        _acquire(handle, path, what, time.monotonic() + wait)
        _sign(handle, b"%d\n" % os.getpid())
        yield
        _sign(handle, b"")
    finally:
        os.close(handle)


def holder(path: Path) -> Optional[int]:
    """Return the number of the process that holds a lock: None when nobody does, 0 when it does not say."""
    try:
        handle = os.open(path, os.O_RDONLY | _FLAGS)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        said = os.pread(handle, _DIGITS, 0).strip()
        return int(said) if said.isdigit() else 0
    finally:
        os.close(handle)
    return None


def _sign(handle: int, holder: bytes) -> None:
    """Write who holds a lock; a full disk keeps nobody from holding it."""
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, holder, 0)


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
