"""A control group for each box. In a common one, the systemds of two boxes stop each other's units."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator, Optional

from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError

_MOUNTS = Path("/proc/self/mounts")
_PARENT = "switchroom-lab"
_CGROUPS = Path("/sys/fs/cgroup")


def group(number: int) -> Path:
    """Return the control group of the box ``number`` (which may not exist) in the unified hierarchy.

    The hierarchy is the machine's only one, or stands beside the old ones (hybrid); where a machine only
    uses the old ones, it is mounted at its usual hybrid place. Raises SwitchroomError without one.
    """
    return _unified() / _PARENT / str(number)


def make(number: int) -> Path:
    """Make the control group and return it."""
    folder = group(number)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def populated(number: int) -> bool:
    """Whether a process is in the group or below it."""
    try:
        return "populated 1" in (group(number) / "cgroup.events").read_text()
    except FileNotFoundError:
        return False


def leader(number: int) -> Optional[int]:
    """Return the pid, as the host counts, of the box's process 1, or None."""
    for place, _, _ in os.walk(group(number) / "payload"):
        for pid in _processes(Path(place)):
            if _inner_pid(pid) == "1":
                return int(pid)
    return None


def remove(number: int) -> None:
    """Remove the group, empty by now, from every hierarchy: nspawn makes it in systemd's old one too."""
    for hierarchy in _hierarchies():
        _prune(hierarchy / _PARENT / str(number))


def remove_all() -> None:
    """Remove the groups' common parent; the caller holds the lab's lock and knows that no box is left."""
    for hierarchy in _hierarchies():
        _prune(hierarchy / _PARENT)


def _prune(folder: Path) -> None:
    for place, _, _ in os.walk(folder, topdown=False):
        os.rmdir(place)


def _processes(folder: Path) -> list[str]:
    try:
        return (folder / "cgroup.procs").read_text().split()
    except OSError:  # the group went away meanwhile
        return []


def _inner_pid(pid: str) -> str:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return next(line.split()[-1] for line in status.splitlines() if line.startswith("NSpid:"))


def _hierarchies(kinds: tuple[str, ...] = ("cgroup2", "cgroup")) -> Iterator[Path]:
    for line in _MOUNTS.read_text().splitlines():
        _, place, kind, *_ = line.split(" ")
        if kind in kinds:
            yield Path(place)


def _unified() -> Path:
    found = next(_hierarchies(("cgroup2",)), None)
    return found or _mount_unified()


def _mount_unified() -> Path:
    if "cgroup2" not in Path("/proc/filesystems").read_text():
        raise SwitchroomError(
            "This machine's kernel has no unified control groups (cgroup v2), which a box's systemd needs.",
            hint="Use a machine with kernel 4.15 or newer.",
            code=ExitCode.REFUSED,
        )
    old_ones = any(True for _ in _hierarchies(("cgroup",)))
    place = _CGROUPS / "unified" if old_ones else _CGROUPS
    place.mkdir(parents=True, exist_ok=True)
    process.run(["mount", "-t", "cgroup2", "cgroup2", place], what="Mounting the unified control groups")
    return place
