"""Slow work done before the clock runs: files into memory, written data onto the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Iterable, Set

from switchroom.box.engines import Engine
from switchroom.box.paths import Paths
from switchroom.core.files import syncfs

_PARTS = ("sbin", "lib", "modules", "share/documentation")
_CHUNK = 1 << 20
# What a package installation writes to: engines, configuration, rpm's database, our own state.
_TOUCHED = ("usr", "etc", "var/lib", "var/lib/rpm", "usr/lib/sysimage/rpm", "boot", "opt")


def read_ahead(paths: Paths, engine: Engine) -> int:
    """Read what an engine loads at its start into the page cache; return the bytes read."""
    prefix = paths.from_box(str(engine.prefix))
    files = (file for part in _PARTS for file in sorted((prefix / part).rglob("*")))
    return sum(_read(file) for file in files if file.is_file())


def flush(paths: Paths) -> None:
    """Write everything that is pending on the file systems a switch touches onto the disk."""
    folders = (paths.root / name for name in _TOUCHED)
    for folder in _one_each(folder for folder in folders if folder.is_dir()):
        syncfs(folder)


def _read(file: Path) -> int:
    size = 0
    with file.open("rb", buffering=0) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
    return size


def _one_each(folders: Iterable[Path]) -> Iterable[Path]:
    """Yield one folder for each file system."""
    seen: Set[int] = set()
    for folder in folders:
        device = folder.stat().st_dev
        if device not in seen:
            seen.add(device)
            yield folder
