"""Whether there is room for what is to come."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from switchroom.box.packages.model import Resolution
from switchroom.box.paths import Paths
from switchroom.core.errors import ExitCode, SwitchroomError

_MB = 1_000_000

Measure = Callable[[Path], Tuple[int, int]]


@dataclass(frozen=True)
class Shortage:
    """A file system, known by one folder on it, with the bytes that are needed and free there."""

    folder: Path
    needed: int
    free: int


def require_space(paths: Paths, resolution: Resolution, reserve: int) -> None:
    """Raise SwitchroomError (REFUSED) unless each file system keeps ``reserve`` bytes free afterwards.

    An estimate before anything is downloaded: all that is unpacked is counted where the engines are. rpm's
    own exact sum comes with ``rehearse``.
    """
    needs = [(paths.packages, resolution.download_bytes), (paths.engines, resolution.install_bytes)]
    short = shortages(needs, reserve)
    if short:
        lines = [
            f"'{paths.on_box(one.folder)}': {_mb(one.needed)} needed, {_mb(one.free)} free" for one in short
        ]
        raise SwitchroomError(
            f"Not enough space on the file system of '{paths.on_box(short[0].folder)}'.",
            cause="\n".join(lines),
            hint="Free some space there, for example with: switchroom switch --prune; dnf clean packages",
            code=ExitCode.REFUSED,
        )


def shortages(
    needs: Sequence[Tuple[Path, int]], reserve: int, measure: Optional[Measure] = None
) -> Tuple[Shortage, ...]:
    """Return the file systems that cannot take the bytes ``needs`` puts on them and keep the reserve.

    ``measure`` returns a folder's (device, free bytes).
    """
    folders: Dict[int, List[Path]] = {}
    needed: Dict[int, int] = {}
    free: Dict[int, int] = {}
    for folder, size in needs:
        device, free_bytes = (measure or _measure)(folder)
        folders.setdefault(device, []).append(folder)
        needed[device] = needed.get(device, reserve) + size
        free[device] = free_bytes
    return tuple(
        Shortage(folders[device][0], needed[device], free[device])
        for device in folders
        if needed[device] > free[device]
    )


def _measure(folder: Path) -> Tuple[int, int]:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    room = os.statvfs(there)
    return there.stat().st_dev, room.f_bavail * room.f_frsize


def _mb(size: int) -> str:
    return f"{-(-size // _MB)} MB"
