"""An image as firmware sees it: El Torito, MBR and GPT read by hand, and the menus they lead to."""

from __future__ import annotations

import struct
import subprocess
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import List, Tuple

SECTOR, BLOCK = 512, 2048
Copy = Tuple[str, int]  # who finds it, and where


def head(image: Path, size: int = 1 << 20) -> bytes:
    """Return the first bytes of an image."""
    with image.open("rb") as stream:
        return stream.read(size)


def label(image: Path) -> str:
    """Return the volume id."""
    return head(image)[16 * BLOCK + 40 : 16 * BLOCK + 72].decode().rstrip()


def volume_size(image: Path) -> int:
    """Return the size that the volume descriptor says, in bytes; both its spellings must agree."""
    little, big = (
        struct.unpack("<I", head(image)[32848:32852])[0],
        struct.unpack(">I", head(image)[32852:32856])[0],
    )
    assert little == big
    return int(little) * BLOCK


def catalog(image: Path) -> bytes:
    """Return El Torito's boot catalog."""
    at = int.from_bytes(head(image)[17 * BLOCK + 71 : 17 * BLOCK + 75], "little") * BLOCK
    with image.open("rb") as stream:
        stream.seek(at)
        return stream.read(BLOCK)


def bios_image(image: Path, size: int) -> bytes:
    """Return the first bytes of what BIOS starts from a CD."""
    entry = catalog(image)[32:64]
    assert entry[0] == 0x88, "the first entry of the catalog cannot boot"
    with image.open("rb") as stream:
        stream.seek(int.from_bytes(entry[8:12], "little") * BLOCK)
        return stream.read(size)


@dataclass(frozen=True)
class BootInfo:
    """The boot info table of what BIOS starts: blocks, the size in bytes, and the sum of its words."""

    descriptor: int
    loader: int
    size: int
    sum: int


def boot_info(image: Path) -> BootInfo:
    """Return the boot info table that a loader for BIOS finds in itself."""
    return BootInfo(*struct.unpack("<IIII", bios_image(image, 24)[8:]))


def check_boot_info(image: Path) -> None:
    """Assert that the boot info table fits the loader, as ISOLINUX checks it before it goes on."""
    info = boot_info(image)
    assert info.loader == int.from_bytes(catalog(image)[40:44], "little")
    rest = bios_image(image, info.size)[64:]
    rest = rest.ljust(-(-len(rest) // 4) * 4, b"\0")
    assert info.sum == sum(struct.unpack(f"<{len(rest) // 4}I", rest)) & 0xFFFFFFFF


def seen_from(image: Path, descriptor: int, name: str) -> bytes:
    """Return a file of the tree to which the volume descriptor in this block leads."""
    assert descriptor >= 16, "a session has 16 blocks before its first descriptor"
    with tempfile.TemporaryDirectory() as folder:
        load = ["-load", "sbsector", str(descriptor - 16), "-indev", f"stdio:{image}"]
        extract = ["-osirrox", "on", "-extract", f"/{name}", f"{folder}/file"]
        subprocess.run(["xorriso", "-no_rc", *load, *extract, "-end"], check=True, capture_output=True)
        return Path(folder, "file").read_bytes()


def check_mbr(image: Path, skipped: int) -> None:
    """Assert that the MBR's code finds the loader for BIOS, of which it leaves out the first sectors."""
    found = int.from_bytes(head(image)[432:440], "little")
    assert found == int.from_bytes(catalog(image)[40:44], "little") * (BLOCK // SECTOR) + skipped


def esp_on_cd(image: Path) -> List[Copy]:
    """Return the EFI system partition that UEFI finds on a CD."""
    data = catalog(image)
    assert data[64 + 1] == 0xEF, "the second section of the catalog is not for EFI"
    return [("El Torito", int.from_bytes(data[96 + 8 : 96 + 12], "little") * BLOCK)]


def esp_on_disk(image: Path) -> List[Copy]:
    """Return the EFI system partitions that UEFI finds on a USB stick."""
    data, found = head(image), []
    for at in range(446, 510, 16):
        kind, start = data[at + 4], int.from_bytes(data[at + 8 : at + 12], "little")
        found += [("MBR", start * SECTOR)] if kind == 0xEF else []
    table, count, width = struct.unpack("<QII", data[SECTOR + 72 : SECTOR + 88])
    for number in range(count):
        at = table * SECTOR + number * width
        start = int.from_bytes(data[at + 32 : at + 40], "little")
        found += [("GPT", start * SECTOR)] if start else []
    return found


def check_partition_tables(image: Path) -> None:
    """Assert that both GPTs are whole and agree, and that no partition is longer than the image."""
    data, size = head(image), image.stat().st_size
    first = _gpt(data[SECTOR : 2 * SECTOR], data)
    alternate = struct.unpack("<Q", data[SECTOR + 32 : SECTOR + 40])[0]
    assert alternate == size // SECTOR - 1, "the backup is not in the last sector"
    with image.open("rb") as stream:
        stream.seek(0)
        whole = stream.read()
    assert _gpt(whole[-SECTOR:], whole) == first, "the backup differs"
    for at in range(446, 510, 16):
        start, count = struct.unpack("<II", data[at + 8 : at + 16])
        assert (start + count) * SECTOR <= size, "a partition is longer than the image"
    covering = struct.unpack("<II", data[454:462])
    assert sum(covering) * SECTOR == size, "the first partition does not cover the image"


def _gpt(header: bytes, data: bytes) -> bytes:
    assert header[:8] == b"EFI PART"
    length, crc = struct.unpack("<II", header[12:20])
    assert zlib.crc32(header[:16] + bytes(4) + header[20:length]) == crc, "the header's sum is wrong"
    table, count, width, sum_of_entries = struct.unpack("<QIII", header[72:92])
    entries = data[table * SECTOR : table * SECTOR + count * width]
    assert zlib.crc32(entries) == sum_of_entries, "the entries' sum is wrong"
    return entries


def esp_file(image: Path, offset: int, name: str) -> bytes:
    """Read a file of the FAT file system at an offset."""
    command = ["mtype", "-i", f"{image}@@{offset}", f"::/{name}"]
    return subprocess.run(command, check=True, capture_output=True).stdout
