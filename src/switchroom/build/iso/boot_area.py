"""The first 64 KiB of an image that has grown: its volume descriptor and partition tables, with the new size.

Sources: ECMA-119 8.4 (volume descriptor), the UEFI specification 5.3 (GPT). Boot code and the partitions that
firmware starts from stay as they are.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Tuple

from switchroom.build.iso.xorriso import BLOCK

SIZE = 32 * BLOCK
_SECTOR = 512
_MBR_TABLE, _MBR_ENTRY = 446, 16
_PROTECTIVE = 0xEE
_HEADER = struct.Struct("<8s4sIIIQQQQ16sQIII")  # the GPT header, 92 bytes
_EFI_SYSTEM = bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b")


@dataclass(frozen=True)
class Grown:
    """``head`` are the first bytes, ``tail`` the last ones; ``hidden`` where to blank a descriptor."""

    head: bytes
    tail: bytes
    hidden: Tuple[int, ...]


def grow(head: bytes, size: int, esp_starts: Tuple[int, ...]) -> Grown:
    """Return an image's first 64 KiB with ``size`` bytes as the volume's, and the backup GPT for its end.

    Partitions from the first sector are made longer. Partitions that hold an EFI system partition, at the
    byte offsets ``esp_starts``, stay. Others (a second file system tree in a partition, gaps) show the base
    as it was: they go, and so do their volume descriptors.
    """
    area = bytearray(head)
    area[16 * BLOCK + 80 : 16 * BLOCK + 88] = struct.pack("<I", size // BLOCK) + struct.pack(
        ">I", size // BLOCK
    )
    _mbr(area, size)
    if area[_SECTOR : _SECTOR + 8] != b"EFI PART":
        return Grown(bytes(area), b"", ())
    hidden, tail = _gpt(area, size, esp_starts)
    return Grown(bytes(area), tail, hidden)


def _mbr(area: bytearray, size: int) -> None:
    if area[510:512] != b"\x55\xaa":
        return
    for at in range(_MBR_TABLE, 510, _MBR_ENTRY):
        kind, start = area[at + 4], int.from_bytes(area[at + 8 : at + 12], "little")
        count = int.from_bytes(area[at + 12 : at + 16], "little")
        if count and (kind == _PROTECTIVE or start == 0):
            sectors = min(size // _SECTOR - start, 0xFFFFFFFF)
            area[at + 12 : at + 16] = sectors.to_bytes(4, "little")


def _gpt(area: bytearray, size: int, esp_starts: Tuple[int, ...]) -> Tuple[Tuple[int, ...], bytes]:
    fields = list(_HEADER.unpack_from(area, _SECTOR))
    table, count, width = fields[10], fields[11], fields[12]
    entries = bytearray(area[table * _SECTOR : table * _SECTOR + count * width])
    last = size // _SECTOR - 1
    usable = last - 1 - -(-len(entries) // _SECTOR)
    hidden = _entries(entries, width, usable, esp_starts)
    area[table * _SECTOR : table * _SECTOR + len(entries)] = entries
    fields[6], fields[8], fields[13] = last, usable, zlib.crc32(entries)
    area[_SECTOR : _SECTOR + _HEADER.size] = _header(fields)
    fields[5], fields[6], fields[10] = last, 1, usable + 1
    backup = _header(fields).ljust(_SECTOR, b"\0")
    return hidden, bytes(entries).ljust((last - usable - 1) * _SECTOR, b"\0") + backup


def _entries(entries: bytearray, width: int, usable: int, esp_starts: Tuple[int, ...]) -> Tuple[int, ...]:
    hidden = []
    for at in range(0, len(entries), width):
        start = int.from_bytes(entries[at + 32 : at + 40], "little")
        if not any(entries[at : at + 16]):
            continue
        if start == 0:
            entries[at + 40 : at + 48] = usable.to_bytes(8, "little")
        elif bytes(entries[at : at + 16]) != _EFI_SYSTEM and start * _SECTOR not in esp_starts:
            entries[at : at + width] = bytes(width)
            hidden.append(start * _SECTOR + 16 * BLOCK)
    return tuple(hidden)


def _header(fields: list[object]) -> bytes:
    fields[3] = 0
    fields[3] = zlib.crc32(_HEADER.pack(*fields))
    return _HEADER.pack(*fields)
