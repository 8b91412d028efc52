"""A box's disk: its changes to the layers below, in a file system of its own that can lose its power.

The file system is ext4 on a loop device over a sparse file. What it has given to that device survives a
power cut, and nothing else does, so a missing fsync shows.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from pathlib import Path
from typing import Sequence

from lab.namespaces import Namespaces
from switchroom.core import process
from switchroom.core.errors import SwitchroomError

# linux: fs/ext4/ext4.h. Stops the file system at once, its journal not flushed.
_EXT4_IOC_SHUTDOWN = 0x8004587D
_NOLOGFLUSH = 2

# As strict as XFS, EL's default: its log is written each 30 s, not 5, and a rename flushes nothing.
_DISK_OPTIONS = "loop,commit=30,noauto_da_alloc"
# As on a plain file system: folders of the lower layers can be renamed, links stay links, one device number.
_OVERLAY_OPTIONS = "redirect_dir=on,index=on,xino=on"
_DETACH_SECONDS = 60.0
_POLL_SECONDS = 0.01


class Disk:
    """The disk in a box's folder; ``root`` is where the box's files are inside the namespaces."""

    def __init__(self, folder: Path) -> None:
        self._image, self._disk, self.root = folder / "disk.img", folder / "disk", folder / "root"

    def make(self, size: int) -> None:
        """Make an empty disk of ``size`` bytes; it takes the space that is used."""
        process.require("mkfs.ext4")
        with self._image.open("xb") as image:
            image.truncate(size)
        lazy = "lazy_itable_init=1,lazy_journal_init=1,nodiscard"
        process.run(["mkfs.ext4", "-q", "-E", lazy, self._image])
        self._disk.mkdir()
        self.root.mkdir()

    def attach(self, namespaces: Namespaces, layers: Sequence[Path]) -> None:
        """Mount the disk over ``layers``, the lowest first; ext4 replays its journal."""
        self._wait_detached()
        namespaces.run(["mount", "-o", _DISK_OPTIONS, self._image, self._disk], "mount")
        for name in ("upper", "work"):
            namespaces.path(self._disk / name).mkdir(exist_ok=True)
        lower = ":".join(str(layer) for layer in reversed(layers))
        own = f"upperdir={self._disk / 'upper'},workdir={self._disk / 'work'},{_OVERLAY_OPTIONS}"
        options = f"lowerdir={lower},{own}"
        namespaces.run(["mount", "-t", "overlay", "-o", options, "overlay", self.root], "mount")

    def cut(self, namespaces: Namespaces) -> None:
        """Stop the file system as a power cut does."""
        handle = os.open(namespaces.path(self._disk), os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(handle, _EXT4_IOC_SHUTDOWN, struct.pack("I", _NOLOGFLUSH))
        finally:
            os.close(handle)

    def _wait_detached(self) -> None:
        """Wait until the file system is gone: mounted anew it would still hold what was never written."""
        deadline = time.monotonic() + _DETACH_SECONDS
        while self._attached():
            if time.monotonic() > deadline:
                raise SwitchroomError(
                    f"The disk '{self._image}' is still in use.",
                    hint="A process of this machine has a file of the box open, or is in one of its folders.",
                )
            time.sleep(_POLL_SECONDS)

    def _attached(self) -> bool:
        for path in Path("/sys/block").glob("loop*/loop/backing_file"):
            try:
                if path.read_text().strip() == str(self._image):
                    return True
            except OSError:
                continue  # the device went away meanwhile
        return False
