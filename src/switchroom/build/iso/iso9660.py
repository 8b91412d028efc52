"""The trees of an ISO 9660 image, read as boot loaders read them: from one volume descriptor, by plain names.

xorriso shows what Linux would see. ISOLINUX begins at the descriptor that its boot info table names, GRUB at
block 16; where an image has several sessions these may be different trees.

Source: ECMA-119, 8.4 and 8.5 (volume descriptors), 9.1 (directory records).
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Iterator, Optional, Tuple

from switchroom.build.iso.xorriso import BLOCK

FIRST_DESCRIPTOR = 16  # the block of the first volume descriptor of an image
_PRIMARY, _SUPPLEMENTARY, _END = 1, 2, 255
_JOLIET = (b"%/@", b"%/C", b"%/E")  # escape sequences of UCS-2, levels 1 to 3
_FOLDER = 0x02
_FOLDER_MAX = 16 << 20  # bytes; a longer one is damaged
_NAME_AT = 33  # in a record, behind the name's length
_DESCRIPTORS_MAX = 32

Range = Tuple[int, int]  # offset and size in bytes


def block(stream: BinaryIO, number: int) -> bytes:
    """Return one block, shorter behind the end of the image."""
    stream.seek(number * BLOCK)
    return stream.read(BLOCK)


def is_primary(stream: BinaryIO, number: int) -> bool:
    """Return whether a primary volume descriptor stands in a block."""
    return block(stream, number)[:6] == bytes([_PRIMARY]) + b"CD001"


def find(stream: BinaryIO, descriptor: int, path: str) -> Optional[Range]:
    """Return where a file lies in the tree of the descriptor in a block, or None; case does not matter."""
    if not is_primary(stream, descriptor):
        return None
    here = _place(block(stream, descriptor)[156:190])
    *folders, name = path.lower().split("/")
    for wanted, folder in (*((one, True) for one in folders), (name, False)):
        places = [place for *which, place in _entries(stream, here) if which == [folder, wanted]]
        if not places:
            return None
        here = places[0]
    return here


def has_joliet(image: Path) -> bool:
    """Return whether an image has a second tree, with names in Unicode, for Windows."""
    with image.open("rb") as stream:
        for number in range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + _DESCRIPTORS_MAX):
            data = block(stream, number)
            if data[1:6] != b"CD001" or data[0] == _END:
                return False
            if data[0] == _SUPPLEMENTARY and data[88:91] in _JOLIET:
                return True
    return False


def _entries(stream: BinaryIO, folder: Range) -> Iterator[Tuple[bool, str, Range]]:
    """Yield (is it a folder, name in lower case, place) of a folder's records."""
    stream.seek(folder[0])
    data, at = stream.read(min(folder[1], _FOLDER_MAX)), 0
    while at < len(data):
        record = data[at : at + data[at]]
        if len(record) > _NAME_AT:
            name = record[_NAME_AT : _NAME_AT + record[_NAME_AT - 1]].decode("ascii", "replace")
            yield bool(record[25] & _FOLDER), name.partition(";")[0].rstrip(".").lower(), _place(record)
            at += len(record)
        else:
            at = (at // BLOCK + 1) * BLOCK  # records do not cross blocks


def _place(record: bytes) -> Range:
    return int.from_bytes(record[2:6], "little") * BLOCK, int.from_bytes(record[10:14], "little")
