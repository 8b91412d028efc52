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
MAJOR = "9"
ARCH = "x86_64"

KERNEL = "images/pxeboot/vmlinuz"
INITRD = "images/pxeboot/initrd.img"
ESP = "images/efiboot.img"
SHIM = "EFI/BOOT/BOOTX64.EFI"
GRUB = "EFI/BOOT/grubx64.efi"
GRUB_MENU = "EFI/BOOT/grub.cfg"
BIOS_LOADER = "isolinux/isolinux.bin"
BIOS_MENU = "isolinux/isolinux.cfg"
_NEEDED = (KERNEL, INITRD, ESP, SHIM, GRUB, GRUB_MENU, BIOS_LOADER, "isolinux/vesamenu.c32", ".discinfo")


@dataclass(frozen=True)
class Base:
    """An installation medium of the EL9 layout; ``repositories`` are folders on it that hold repodata."""

    path: Path
    family: str
    version: str
    volume: Volume
    layout: Layout
    files: FrozenSet[str]
    repositories: Tuple[str, ...]

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
            hint="Give the path of a Rocky, Alma or CentOS Stream 9 ISO, or 'lab'.",
            code=ExitCode.USAGE,
        )
    volume = read_volume(path)
    files = xorriso.paths(path)
    tree = _treeinfo(path, files)
    _check_release(path, tree)
    _check_files(path, files)
    layout = read_layout(path)
    _check_layout(path, layout)
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
    if family not in FAMILIES or version.split(".")[0] != MAJOR:
        raise _unsupported(path, f"it is '{family} {version}'; release {MAJOR} of {_known()} is supported")


def _known() -> str:
    return ", ".join(FAMILIES[:-2]) + f" and {FAMILIES[-2]}"


def _check_files(path: Path, files: FrozenSet[str]) -> None:
    missing = [name for name in _NEEDED if name not in files]
    if missing:
        raise _unsupported(path, f"these files of the EL9 layout are missing: {', '.join(missing)}")


def _check_layout(path: Path, layout: Layout) -> None:
    if layout.bios_image != BIOS_LOADER or layout.efi_image != ESP:
        found = f"BIOS '{layout.bios_image}', UEFI '{layout.efi_image}'"
        raise _unsupported(path, f"its boot images are not those of the EL9 layout ({found})")


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
        hint="Use a boot, minimal or DVD ISO of Rocky, Alma or CentOS Stream 9 for x86_64.",
        code=ExitCode.REFUSED,
    )
