"""Who else is at work on the box's packages, and locks that nobody holds any more.

dnf's locks are files with a process number. A dnf that was killed leaves its file behind, and if another
process gets that number, dnf waits for it for ever (dnf/lock.py). rpm's own lock is the kernel's and cannot
go stale.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
from pathlib import Path
from typing import Iterator, Optional, Tuple

from switchroom.box.paths import Paths

_DNF_LOCKS = (
    "var/cache/dnf/metadata_lock.pid",
    "var/cache/dnf/download_lock.pid",
    "var/lib/dnf/rpmdb_lock.pid",
    "var/log/log_lock.pid",
)
_RPM_LOCKS = ("var/lib/rpm/.rpm.lock", "usr/lib/sysimage/rpm/.rpm.lock")
# Every package manager has one of these libraries loaded, whatever its name and command line.
_LIBRARY = re.compile(r"/lib(?:rpm|dnf|dnf5|solv)\.so")
_HERE = Paths()
_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux: type, whence, start, length, pid


def lock_holder(paths: Paths = _HERE) -> Optional[str]:
    """Return who works on packages right now, as in "dnf (process 1234) holds '/var/…'", or None."""
    for path, pid in _dnf_locks(paths):
        if _manages_packages(paths, pid):
            return _described(paths, pid, path)
    for name in _RPM_LOCKS:
        holder = _kernel_lock_holder(paths.root / name)
        if holder:
            return _described(paths, holder, paths.root / name)
    return None


def clear_stale_locks(paths: Paths = _HERE) -> Tuple[Path, ...]:
    """Remove dnf's lock files whose process is gone, or is plainly no package manager; return them."""
    stale = tuple(path for path, pid in _dnf_locks(paths) if not _manages_packages(paths, pid))
    for path in stale:
        path.unlink(missing_ok=True)
    return stale


def _dnf_locks(paths: Paths) -> Iterator[Tuple[Path, int]]:
    """Yield lock files with the process number in them; 0 where a power cut left no number."""
    for name in _DNF_LOCKS:
        path = paths.root / name
        with contextlib.suppress(OSError):
            text = path.read_text(errors="replace").strip()
            yield path, int(text) if text.isdigit() else 0


def _manages_packages(paths: Paths, pid: int) -> bool:
    try:
        return bool(_LIBRARY.search((paths.root / "proc" / str(pid) / "maps").read_text(errors="replace")))
    except OSError:
        return False


def _kernel_lock_holder(path: Path) -> Optional[int]:
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _whence, _start, _length, pid = struct.unpack(_FLOCK, fcntl.fcntl(handle, fcntl.F_GETLK, asked))
    finally:
        os.close(handle)
    return None if kind == fcntl.F_UNLCK else int(pid)


def _described(paths: Paths, pid: int, lock: Path) -> str:
    name = "a package manager"
    with contextlib.suppress(OSError):
        name = (paths.root / "proc" / str(pid) / "comm").read_text().strip()
    return f"{name} (process {pid}) holds '{paths.on_box(lock)}'"
