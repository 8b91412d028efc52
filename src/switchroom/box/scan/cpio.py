"""Reading the payload of an RPM: cpio archives of the "newc" form, as rpm2cpio prints them."""

from __future__ import annotations

from typing import Iterator, Tuple

_HEADER = 110  # "070701" and thirteen fields of eight hexadecimal digits
_SIZE, _NAME_SIZE = 6, 11
_END = b"TRAILER!!!"


def members(archive: bytes) -> Iterator[Tuple[str, memoryview]]:
    """Yield name (as ``./usr/…``) and content of each member; raises ValueError for anything but newc."""
    view, at = memoryview(archive), 0
    while True:
        header = archive[at : at + _HEADER]
        if header[:6] not in (b"070701", b"070702"):
            raise ValueError("not a cpio archive")
        size, name_size = _field(header, _SIZE), _field(header, _NAME_SIZE)
        name = archive[at + _HEADER : at + _HEADER + name_size].rstrip(b"\0")
        if name == _END:
            return
        start = _aligned(at + _HEADER + name_size)
        yield name.decode(errors="surrogateescape"), view[start : start + size]
        at = _aligned(start + size)


def _field(header: bytes, number: int) -> int:
    return int(header[6 + 8 * number : 14 + 8 * number], 16)


def _aligned(offset: int) -> int:
    return (offset + 3) & ~3
