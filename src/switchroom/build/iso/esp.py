"""The EFI system partition: a FAT image whose boot menu is replaced in place with mtools, not mounted."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Mapping

from switchroom.build.iso.base import GRUB_MENU, SHIM
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256, staging
from switchroom.core.process import Arg, output, run

_BOOT = "EFI/BOOT"


def volume_size(start: bytes) -> int:
    """Return the bytes of the FAT file system that begins with these; 0 if it is none.

    Source: the FAT specification's BIOS parameter block.
    """
    sector = int.from_bytes(start[11:13], "little")
    count = int.from_bytes(start[19:21], "little") or int.from_bytes(start[32:36], "little")
    return sector * count if start[510:512] == b"\x55\xaa" else 0


def set_menu(esp: Path, menu: Path, epoch: int) -> Dict[str, str]:
    """Replace every boot menu in an EFI system partition; equal input gives equal bytes.

    Shim and GRUB stay as they are, which is checked; returned are their names and SHA-256. ``epoch`` dates
    the new files.
    """
    before = loaders(esp)
    names = [name for name in listing(esp) if name.lower().endswith((".cfg", ".conf"))]
    for name in sorted({*names, Path(GRUB_MENU).name}):
        put(esp, {f"{_BOOT}/{name}": menu}, epoch)
    if loaders(esp) != before:
        raise SwitchroomError(f"The boot loaders in '{esp.name}' changed while its menu was replaced.")
    return before


def put(esp: Path, files: Mapping[str, Path], epoch: int) -> None:
    """Copy files (path in the image to file on disk) into folders that exist in a FAT image."""
    for name, source in files.items():
        _mtools("mcopy", "-o", "-D", "o", "-i", esp, source, f"::/{name}", epoch=epoch)


def get(esp: Path, name: str, dest: Path) -> None:
    """Copy one file out of a FAT image."""
    run(["mcopy", "-n", "-i", esp, f"::/{name}", dest], what=f"Reading '{name}' from '{esp.name}'")


def listing(esp: Path) -> List[str]:
    """Return the file names in EFI/BOOT."""
    return [Path(line).name for line in output(["mdir", "-b", "-i", esp, f"::/{_BOOT}"]).splitlines()]


def create(esp: Path, files: Mapping[str, Path], epoch: int) -> None:
    """Make a FAT image that holds files below EFI/BOOT, with 2 MiB to spare."""
    size = sum(source.stat().st_size for source in files.values()) + (2 << 20)
    with esp.open("wb") as stream:
        stream.truncate(-(-size // (1 << 20)) << 20)
    run(
        ["mkfs.vfat", "--invariant", "-n", "ANACONDA", "-i", f"{epoch & 0xFFFFFFFF:08x}", esp],
        what="Making the EFI system partition",
        env={"SOURCE_DATE_EPOCH": str(epoch)},
    )
    _mtools("mmd", "-i", esp, "::/EFI", f"::/{_BOOT}", epoch=epoch)
    put(esp, files, epoch)


def _mtools(*words: Arg, epoch: int) -> None:
    environment = {"SOURCE_DATE_EPOCH": str(epoch), "TZ": "UTC", "MTOOLS_SKIP_CHECK": "1"}
    result = run(words, what="Writing the EFI system partition", env=environment, check=False)
    if b"Disk full" in result.stderr:
        raise SwitchroomError("The EFI system partition of the base has no room for the boot menu.")
    if result.returncode != 0:
        raise SwitchroomError(
            "The EFI system partition of the base could not be written.",
            cause=result.stderr.decode(errors="replace").strip(),
            hint="Check the base image against its publisher's checksum.",
            code=ExitCode.FAILED,
        )


def loaders(esp: Path) -> Dict[str, str]:
    """Return the boot loaders in EFI/BOOT and their SHA-256; SwitchroomError if shim is not among them."""
    with staging(esp.parent) as folder:
        names = [name for name in listing(esp) if name.lower().endswith(".efi")]
        if Path(SHIM).name not in names:
            raise SwitchroomError(
                f"There is no '{SHIM}' in the EFI system partition of the base.", code=ExitCode.REFUSED
            )
        for name in names:
            get(esp, f"{_BOOT}/{name}", folder / name)
        return {name: sha256(folder / name) for name in sorted(names)}
