"""The installation medium an image is made from: what it is, what is on it, whether it will do."""

from __future__ import annotations

import configparser
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import FrozenSet, Tuple

from switchroom.build.iso import xorriso
from switchroom.build.iso.layout import Layout, Volume, read_layout, read_volume
from switchroom.core.errors import ExitCode, SwitchroomError

LAB_FAMILY = "Switchroom Lab stand-in"
FAMILIES = ("Rocky Linux", "AlmaLinux", "CentOS Stream", LAB_FAMILY)
MAJORS = ("9", "10")
ARCH = "x86_64"

KERNEL = "images/pxeboot/vmlinuz"
INITRD = "images/pxeboot/initrd.img"
ESP = "images/efiboot.img"
SHIM = "EFI/BOOT/BOOTX64.EFI"
GRUB = "EFI/BOOT/grubx64.efi"
GRUB_MENU = "EFI/BOOT/grub.cfg"
ISOLINUX = "isolinux/isolinux.bin"
BIOS_GRUB = "images/eltorito.img"
BIOS_MENUS = {ISOLINUX: "isolinux/isolinux.cfg", BIOS_GRUB: "boot/grub2/grub.cfg"}
_NEEDED = (KERNEL, INITRD, SHIM, GRUB, GRUB_MENU, ".discinfo", ".treeinfo")
_NEEDED_BESIDE = {ISOLINUX: ("isolinux/vesamenu.c32",), BIOS_GRUB: ()}


@dataclass(frozen=True)
class Base:
    """An installation medium; ``repositories`` are folders on it that hold repodata.

    BIOS starts isolinux (EL9) or GRUB (EL10), UEFI starts shim and GRUB.
    """

    path: Path
    family: str
    version: str
    volume: Volume
    layout: Layout
    files: FrozenSet[str]
    repositories: Tuple[str, ...]

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


def open_base(path: Path) -> Base:
    """Inspect a medium without unpacking it.

    Raises SwitchroomError when it is missing, is no (whole, bootable) ISO, or is not of a supported release.
    """
    if not path.is_file():
        raise SwitchroomError(
            f"The base image '{path}' does not exist.",
            hint="Give the path of a Rocky, Alma or CentOS Stream ISO.",
            code=ExitCode.USAGE,
        )
    volume = read_volume(path)
    files = xorriso.paths(path)
    tree = _treeinfo(path, files)
    _check_release(path, tree)
    layout = read_layout(path)
    _check_layout(path, layout)
    _check_files(path, files, layout)
    return Base(
        path=path,
        family=tree["general"]["family"],
        version=tree["general"]["version"],
        volume=volume,
        layout=layout,
        files=files,
        repositories=_repositories(tree, files),
    )


def _treeinfo(path: Path, files: FrozenSet[str]) -> configparser.ConfigParser:
    if ".treeinfo" not in files:
        raise _unsupported(path, "it has no '.treeinfo', so it is no Enterprise Linux installation medium")
    tree = configparser.ConfigParser(interpolation=None)
    with tempfile.TemporaryDirectory(prefix="switchroom-") as name:
        xorriso.extract(path, {".treeinfo": Path(name, "treeinfo")})
        tree.read_string(Path(name, "treeinfo").read_text())
    return tree


def _check_release(path: Path, tree: configparser.ConfigParser) -> None:
    family = tree.get("general", "family", fallback="unknown")
    version = tree.get("general", "version", fallback="unknown")
    arch = tree.get("general", "arch", fallback="unknown")
    if arch != ARCH:
        raise _unsupported(path, f"its architecture is '{arch}'; only '{ARCH}' is supported")
    if family not in FAMILIES or version.split(".")[0] not in MAJORS:
        releases = " and ".join(MAJORS)
        raise _unsupported(path, f"it is '{family} {version}'; supported are {releases} of {_known()}")


def _known() -> str:
    return ", ".join(FAMILIES[:-2]) + f" and {FAMILIES[-2]}"


def _check_layout(path: Path, layout: Layout) -> None:
    if layout.bios_image not in BIOS_MENUS:
        known = "' or '".join(BIOS_MENUS)
        raise _unsupported(path, f"BIOS starts '{layout.bios_image}' from it, not '{known}'")
    if not layout.esp_copies:
        raise _unsupported(path, "it has nothing that UEFI could start")


def _check_files(path: Path, files: FrozenSet[str], layout: Layout) -> None:
    missing = [name for name in (*_NEEDED, *_NEEDED_BESIDE[layout.bios_image or ""]) if name not in files]
    if missing:
        raise _unsupported(path, f"these files of an installation medium are missing: {', '.join(missing)}")


def _repositories(tree: configparser.ConfigParser, files: FrozenSet[str]) -> Tuple[str, ...]:
    folders = {
        tree[section].get("repository", "").strip("/.")
        for section in tree.sections()
        if section.startswith("variant-")
    }
    return tuple(sorted(folder for folder in folders if f"{folder}/repodata/repomd.xml" in files))


def _unsupported(path: Path, why: str) -> SwitchroomError:
    return SwitchroomError(
        f"'{path}' cannot be used as a base: {why}.",
        hint="Use a boot, minimal or DVD ISO of Rocky, Alma or CentOS Stream 9 or 10 for x86_64.",
        code=ExitCode.REFUSED,
    )
