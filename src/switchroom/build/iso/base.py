"""The installation medium an image is made from: what it is, what is on it, whether it will do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import FrozenSet, Optional, Tuple

from switchroom.build.iso import xorriso
from switchroom.build.iso.layout import Layout, Volume, read_layout, read_volume
from switchroom.build.iso.release import DISCINFO, LAB_FAMILY, read_release, unsupported
from switchroom.core.errors import ExitCode, SwitchroomError

KERNEL = "images/pxeboot/vmlinuz"
INITRD = "images/pxeboot/initrd.img"
ESP = "images/efiboot.img"
SHIM = "EFI/BOOT/BOOTX64.EFI"
GRUB = "EFI/BOOT/grubx64.efi"
GRUB_MENU = "EFI/BOOT/grub.cfg"
ISOLINUX = "isolinux/isolinux.bin"
BIOS_GRUB = "images/eltorito.img"
BIOS_MENUS = {ISOLINUX: "isolinux/isolinux.cfg", BIOS_GRUB: "boot/grub2/grub.cfg"}
_NEEDED = (KERNEL, INITRD, SHIM, GRUB, GRUB_MENU, DISCINFO)
_NEEDED_BESIDE = {ISOLINUX: ("isolinux/vesamenu.c32",), BIOS_GRUB: ()}

FileState = Tuple[int, int, int, int, int]  # device, inode, size, times of content and inode


@dataclass(frozen=True)
class Base:
    """An installation medium; ``repositories`` are folders on it that hold repodata, none on a boot ISO.

    BIOS starts isolinux (EL9) or GRUB (EL10), UEFI starts shim and GRUB. ``seen`` is the file's state before
    anything of it was read.
    """

    path: Path
    family: str
    version: str
    volume: Volume
    layout: Layout
    files: FrozenSet[str]
    repositories: Tuple[str, ...]
    seen: FileState

    @property
    def major(self) -> str:
        """The Enterprise Linux major: ``9`` or ``10``."""
        return self.version.split(".")[0]

    @property
    def bios_menu(self) -> str:
        """The path of the menu that BIOS machines show."""
        return BIOS_MENUS[self.layout.bios_image or ""]

    @property
    def lab(self) -> bool:
        """Whether this is the lab's stand-in, on which nothing can be installed."""
        return self.family == LAB_FAMILY


def open_base(path: Path, seen: Optional[FileState] = None) -> Base:
    """Inspect a medium without unpacking it; ``seen`` is its state when its checksum began to be taken.

    Raises SwitchroomError when it is missing, is no (whole, bootable) ISO, or is not of a supported release.
    """
    seen = seen or state(path)
    volume = read_volume(path)
    files = xorriso.paths(path)
    release = read_release(path, files, volume.volume_id)
    layout = read_layout(path)
    _check_layout(path, layout)
    _check_files(path, files, layout)
    return Base(
        path=path,
        family=release.family,
        version=release.version,
        volume=volume,
        layout=layout,
        files=files,
        repositories=release.repositories,
        seen=seen,
    )


def state(path: Path) -> FileState:
    """Return what changes with a medium's file; the inode's time cannot be set back, unlike the content's.

    Raises SwitchroomError (usage) where there is no such file.
    """
    if not path.is_file():
        raise SwitchroomError(
            f"The base image '{path}' does not exist.",
            hint="Give the path of a Rocky, Alma or CentOS Stream ISO.",
            code=ExitCode.USAGE,
        )
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def check_unchanged(base: Base) -> None:
    """Raise SwitchroomError (refused) if the base is not the file any more that it was when it was opened.

    To be called when all of it has been read: what was read would be put together from two files else.
    """
    try:
        same = state(base.path) == base.seen
    except (OSError, SwitchroomError):
        same = False
    if not same:
        raise SwitchroomError(
            f"The base '{base.path}' changed while it was read.",
            hint="Wait until what writes to it (a download, a copy) is done, and run the same command again.",
            code=ExitCode.REFUSED,
        )


def _check_layout(path: Path, layout: Layout) -> None:
    if layout.bios_image not in BIOS_MENUS:
        known = "' or '".join(BIOS_MENUS)
        raise unsupported(path, f"BIOS starts '{layout.bios_image}' from it, not '{known}'")
    if not layout.esp_copies:
        raise unsupported(path, "it has nothing that UEFI could start")


def _check_files(path: Path, files: FrozenSet[str], layout: Layout) -> None:
    missing = [name for name in (*_NEEDED, *_NEEDED_BESIDE[layout.bios_image or ""]) if name not in files]
    if missing:
        raise unsupported(path, f"these files of an installation medium are missing: {', '.join(missing)}")
