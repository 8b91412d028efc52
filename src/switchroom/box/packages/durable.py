"""Bringing what rpm wrote to the disk: rpm does not (its ``%_flush_io`` is 0)."""

from __future__ import annotations

from typing import Set

from switchroom.box.paths import Paths
from switchroom.core.files import syncfs

_FOLDERS = ("", "usr", "var", "etc", "boot", "usr/lib64", "var/lib", "var/log", "var/spool")


def sync(paths: Paths) -> None:
    """Flush each file system that packages write to, once; raises OSError if the disk reports an error."""
    done: Set[int] = set()
    for folder in (paths.root / name for name in _FOLDERS):
        device = folder.stat().st_dev if folder.is_dir() else None
        if device is not None and device not in done:
            syncfs(folder)
            done.add(device)
