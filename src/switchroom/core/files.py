"""Files that are whole or not there: atomic writes, staging folders, checksums."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import signal
import tempfile
import threading
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Tuple

from switchroom.core.errors import ExitCode, SwitchroomError

_CHUNK = 1 << 20
_PROBE = 64 << 10
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_UNFINISHED = ".unfinished"  # ends the name of a scratch folder


def sha256(path: Path, progress: Callable[[int], None] = lambda _count: None) -> str:
    """Return a file's SHA-256 as lower-case hexadecimal; ``progress`` is told the bytes of each chunk."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            progress(len(chunk))
    return digest.hexdigest()


def fsync_dir(folder: Path) -> None:
    """Flush a folder's entries, so that a rename in it survives a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def require_room(folder: Path) -> None:
    """Raise OSError unless a file can still be written in a folder.

    Asked after another program failed there, before what it said is taken for a finding: with a full disk it
    could not have said anything else.
    """
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(bytes(_PROBE))
        probe.flush()
        os.fsync(probe.fileno())


def syncfs(path: Path) -> None:
    """Flush the whole file system that a folder or file is on; rpm does not flush what it writes."""
    handle = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), os.fspath(path))
    finally:
        os.close(handle)


def write_atomic(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that a reader, or a power cut, sees the old content or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    fsync_dir(path.parent)


def link_atomic(target: str, link: Path) -> None:
    """Point a symbolic link at ``target`` in one rename, flushed to disk."""
    link.parent.mkdir(parents=True, exist_ok=True)
    temporary = link.with_name(f".{link.name}.{os.getpid()}.new")
    temporary.unlink(missing_ok=True)
    os.symlink(target, temporary)
    os.replace(temporary, link)
    fsync_dir(link.parent)


@contextlib.contextmanager
def staging(parent: Path, prefix: str = ".staging-", alone: str = "") -> Iterator[Path]:
    """Give a scratch folder beside the final place and remove it whatever happens.

    What a killed process left is removed by the next one with the same parent and prefix: the living hold a
    lock on theirs. ``alone`` names work that one process at a time may do there; SwitchroomError (refused)
    for another.
    """
    parent.mkdir(parents=True, exist_ok=True)
    living = _sweep(parent, prefix)
    folder, handle = _claim(parent, prefix)
    try:
        if alone and (living or len(_sweep(parent, prefix)) > 1):
            raise SwitchroomError(
                f"Another process is working on {alone}.",
                hint=f"Wait for it to end; its scratch folder is '{parent / prefix}*{_UNFINISHED}'.",
                code=ExitCode.REFUSED,
            )
        yield folder
    finally:
        with _undisturbed():
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)


def _claim(parent: Path, prefix: str) -> Tuple[Path, int]:
    """Make a folder and lock it; one that another process took for a dead one's meanwhile is made anew."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=_UNFINISHED, dir=parent))
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(folder, _FOLDER)
            if _locked(handle) is not False and folder.exists():
                return folder, handle
            os.close(handle)


def _sweep(parent: Path, prefix: str) -> List[Path]:
    """Remove the folders of the dead, and return those of the living."""
    names = re.compile(re.escape(prefix) + r"[a-z0-9_]{8}" + re.escape(_UNFINISHED))
    living = []
    for path in parent.iterdir():
        if not names.fullmatch(path.name):
            continue
        with contextlib.suppress(OSError):
            handle = os.open(path, _FOLDER)
            try:
                owned = os.fstat(handle).st_uid == os.geteuid()
                locked = _locked(handle)
                if owned and locked:
                    shutil.rmtree(path, ignore_errors=True)
                living += [path] if owned and locked is False else []
            finally:
                os.close(handle)
    return living


def _locked(handle: int) -> Optional[bool]:
    """Take the lock on an open folder; return whether it was free, None where there are no such locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no second Ctrl-C stop what cleans up after the first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
