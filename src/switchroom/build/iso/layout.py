"""Where the boot structures of an ISO 9660 image lie: volume descriptors, El Torito, MBR and GPT.

Sources: ECMA-119 (volume descriptors), the El Torito specification, and xorriso's reports.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple

from switchroom.build.iso import xorriso
from switchroom.build.iso.xorriso import BLOCK
from switchroom.core.errors import ExitCode, SwitchroomError, reading

_SECTOR = 512  # bytes in a partition table's unit
_EFI_SYSTEM = "28732ac11ff8d211ba4b00a0c93ec93b"  # GPT type GUID as xorriso prints it: raw bytes
_MBR_EFI = "0xef"


@dataclass(frozen=True)
class Volume:
    """What the primary volume descriptor says: label, and size in bytes."""

    volume_id: str
    size: int


@dataclass(frozen=True)
class Extent:
    """A run of bytes of an image that firmware can boot; ``path`` if it is also a file on it."""

    name: str
    offset: int
    size: int
    path: Optional[str]


@dataclass(frozen=True)
class Layout:
    """The boot structures of one image."""

    bios_image: Optional[str]  # path on the medium
    esp_copies: Tuple[Extent, ...]


def read_volume(image: Path) -> Volume:
    """Read an image's volume descriptor.

    Raises SwitchroomError when the file is no ISO 9660 image, is cut short, or cannot boot.
    """
    with image.open("rb") as stream:
        stream.seek(16 * BLOCK)
        primary, second = stream.read(BLOCK), stream.read(BLOCK)
    if primary[:6] != b"\x01CD001":
        raise _bad(f"'{image}' is not an ISO 9660 image.", "Give the path of an installation ISO.")
    volume = Volume(
        primary[40:72].decode("ascii", "replace").rstrip(), int.from_bytes(primary[80:84], "little") * BLOCK
    )
    actual = image.stat().st_size
    if actual < volume.size:
        raise _bad(
            f"'{image}' is truncated: it has {actual} bytes, its volume descriptor says {volume.size}.",
            "Download it again and compare its checksum with the publisher's.",
        )
    if b"EL TORITO SPECIFICATION" not in second[:64]:
        raise _bad(f"'{image}' has no boot image: no El Torito record.", "Give a bootable installation ISO.")
    return volume


def read_layout(image: Path) -> Layout:
    """Find every copy of the EFI system partition that an image's boot structures point to."""
    report = xorriso.read(
        image,
        *("-report_el_torito", "plain", "-report_system_area", "plain"),
        what=f"Reading the boot structures of '{image.name}'",
    )
    hint = "Download it again and compare its checksum with the publisher's."
    with reading(f"The boot structures of '{image}'", hint=hint, code=ExitCode.REFUSED):
        return parse_layout(report)


def parse_layout(report: str) -> Layout:
    """Return the layout from xorriso's plain reports on El Torito and system area."""
    platforms, torito = _el_torito(report)
    uefi = [e for n, e in torito.items() if platforms[n] == "UEFI"]
    bios = [e for n, e in torito.items() if platforms[n] == "BIOS"]
    mbr = _mbr(report)
    gpt = _gpt(report, {e.offset for e in (*uefi, *mbr)})
    return Layout(bios[0].path if bios else None, (*uefi, *mbr, *gpt))


def _el_torito(report: str) -> Tuple[Dict[str, str], Dict[str, Extent]]:
    rows = re.findall(
        r"^El Torito boot img : +(\d+) +(\w+) .* (\d+) +(\d+)$", report, re.MULTILINE
    )  # number, platform, size in sectors, LBA
    named = dict(re.findall(r"^El Torito img path : +(\d+) +/(.+)$", report, re.MULTILINE))
    extents = {
        n: Extent("El Torito image " + n, int(lba) * BLOCK, int(size) * _SECTOR, named.get(n))
        for n, _, size, lba in rows
    }
    return {n: platform for n, platform, _, _ in rows}, extents


def _mbr(report: str) -> List[Extent]:
    rows = re.findall(
        r"^MBR partition +: +(\d+) +0x\w+ +(0x\w+) +(\d+) +(\d+)$", report, re.MULTILINE
    )  # number, type, start, blocks
    named = dict(re.findall(r"^MBR partition path : +(\d+) +/(.+)$", report, re.MULTILINE))
    return [
        Extent(f"MBR partition {n}", int(start) * _SECTOR, int(size) * _SECTOR, named.get(n))
        for n, kind, start, size in rows
        if kind == _MBR_EFI
    ]


def _gpt(report: str, known: Set[int]) -> List[Extent]:
    """Return the EFI partitions; isohybrid gives them the type of data, so a ``known`` offset counts too."""
    kinds = dict(re.findall(r"^GPT type GUID +: +(\d+) +(\w+)$", report, re.MULTILINE))
    rows = re.findall(r"^GPT start and size : +(\d+) +(\d+) +(\d+)$", report, re.MULTILINE)
    named = dict(re.findall(r"^GPT partition path : +(\d+) +/(.+)$", report, re.MULTILINE))
    return [
        Extent(f"GPT partition {n}", int(start) * _SECTOR, int(size) * _SECTOR, named.get(n))
        for n, start, size in rows
        if kinds.get(n) == _EFI_SYSTEM or int(start) * _SECTOR in known
    ]


def read_extent(image: Path, extent: Extent) -> bytes:
    """Return the bytes of an extent; raises SwitchroomError for one that does not lie in the image."""
    if extent.offset < 0 or extent.size < 0 or extent.offset + extent.size > image.stat().st_size:
        raise _bad(
            f"'{image}' names {extent.name or 'a part'} that does not lie in it: {extent.size} bytes at"
            f" {extent.offset}.",
            "Download it again and compare its checksum with the publisher's.",
        )
    with image.open("rb") as stream:
        stream.seek(extent.offset)
        return stream.read(extent.size)


def _bad(message: str, hint: str) -> SwitchroomError:
    return SwitchroomError(message, hint=hint, code=ExitCode.REFUSED)
