"""Mounts that nobody else sees and that end with this process, whatever ends it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import stat
from pathlib import Path
from typing import Iterator

from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.process import run

_CLONE_NEWNS, _CLONE_NEWUTS = 0x00020000, 0x04000000  # linux/sched.h; os.unshare came with Python 3.12
_HOST_NAME = "localhost"  # LVM writes the name of the machine into each volume group
_DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}


def make_private() -> None:
    """Give this process mounts and a host name of its own; SwitchroomError when it may not have them."""
    kinds = _CLONE_NEWNS | _CLONE_NEWUTS
    if os.geteuid() != 0 or ctypes.CDLL(None, use_errno=True).unshare(kinds) != 0:
        raise SwitchroomError(
            "Making a disk image needs root: it mounts file systems and runs dnf in them.",
            hint="Run it with sudo, in a virtual machine or a privileged container.",
            code=ExitCode.REFUSED,
        )
    run(["mount", "--make-rprivate", "/"])
    socket.sethostname(_HOST_NAME)


@contextlib.contextmanager
def system(root: Path, medium: Path, place: str) -> Iterator[None]:
    """Mount what programs in ``root`` expect of a running system, and ``medium``, read-only, at ``place``.

    ``/dev`` has nothing of this machine's but what every program may have.
    """
    for name in ("proc", "sys", "dev", "run", place.lstrip("/")):
        (root / name).mkdir(parents=True, exist_ok=True)
    run(["mount", "-t", "proc", "proc", root / "proc"])
    run(["mount", "-t", "sysfs", "-o", "ro", "sysfs", root / "sys"])
    run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", root / "dev"])
    run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", root / "run"])
    run(["mount", "--bind", "-o", "ro", medium, root / place.lstrip("/")])
    _fill_dev(root / "dev")
    try:
        yield
    finally:
        for name in (place.lstrip("/"), "run", "dev", "sys", "proc"):
            run(["umount", "--lazy", root / name])
        (root / place.lstrip("/")).rmdir()


@contextlib.contextmanager
def unmounted_after(root: Path) -> Iterator[None]:
    """Unmount all below ``root`` at the end, whatever happened."""
    try:
        yield
    finally:
        run(["umount", "--recursive", "--lazy", root], check=False)


def _fill_dev(dev: Path) -> None:
    for name, (major, minor) in _DEVICES.items():
        os.mknod(dev / name, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
        (dev / name).chmod(0o666)
    for name, target in {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}.items():
        (dev / name).symlink_to(target)
    (dev / "shm").mkdir(mode=0o1777)
