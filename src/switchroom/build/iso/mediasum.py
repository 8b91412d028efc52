"""The checksum that media carry in themselves, as ``implantisomd5`` embeds it and the installer checks it.

Source: isomd5sum's libimplantisomd5.c and libcheckisomd5.c. It is an MD5 of the volume without its last 15
blocks, taken with the field it is written to blank, and 20 sums of ever longer parts for an early end.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import List, Optional, Tuple

from switchroom.build.iso.xorriso import BLOCK

FIELD_OFFSET = 16 * BLOCK + 883  # of the application's area in the primary volume descriptor
FIELD_SIZE = 512
SKIPPED_BLOCKS = 15  # at the end; the padding of an image must be longer
_FRAGMENTS = 20
_DIGITS = 3  # of each fragment's sum
_STEP = 32768  # the unit implantisomd5 reads by: fragments end at its multiples
_PATTERN = re.compile(
    rb"ISO MD5SUM = ([0-9a-f]{32});SKIPSECTORS = (\d+);RHLISOSTATUS=[01];FRAGMENT SUMS = ([0-9a-f]{60});"
)


@dataclass(frozen=True)
class Embedded:
    """A media checksum: MD5 and the fragments' digits, as they stand in the volume descriptor."""

    md5: str
    fragments: str

    def field(self) -> bytes:
        """Return the bytes of the field that carries it."""
        text = (
            f"ISO MD5SUM = {self.md5};SKIPSECTORS = {SKIPPED_BLOCKS};RHLISOSTATUS=0;"
            f"FRAGMENT SUMS = {self.fragments};FRAGMENT COUNT = {_FRAGMENTS};"
            "THIS IS NOT THE SAME AS RUNNING MD5SUM ON THIS ISO!!"
        )
        return text.encode().ljust(FIELD_SIZE)


def has_field(head: bytes) -> bool:
    """Return whether something like a media checksum stands in an image's first 64 KiB, readable or not."""
    field = head[FIELD_OFFSET : FIELD_OFFSET + FIELD_SIZE]
    return any(word in field for word in (b"MD5SUM", b"SKIPSECTORS", b"FRAGMENT"))


def volume_size(head: bytes) -> int:
    """Return the bytes of the volume that an image's first 64 KiB describe."""
    return int.from_bytes(head[16 * BLOCK + 80 :][:4], "little") * BLOCK


def embedded(head: bytes) -> Optional[Embedded]:
    """Return the media checksum that an image's first 64 KiB carry, or None."""
    found = _PATTERN.match(head[FIELD_OFFSET : FIELD_OFFSET + FIELD_SIZE])
    if found is None or int(found[2]) != SKIPPED_BLOCKS:
        return None
    return Embedded(found[1].decode(), found[3].decode())


class MediaSum:
    """Computes the media checksum of a volume of ``size`` bytes that is fed in order."""

    def __init__(self, size: int) -> None:
        self._covered = size - SKIPPED_BLOCKS * BLOCK
        self._digest = hashlib.md5(usedforsecurity=False)
        self._position = 0
        self._number = 0
        self._fragments: List[str] = []
        self.ends: List[int] = []  # where each fragment ended

    def update(self, data: bytes) -> None:
        """Take the next bytes; all but the last must be a multiple of 32 KiB."""
        if self._position <= FIELD_OFFSET < self._position + len(data):
            data = self._blank(data)
        view = memoryview(data)[: max(self._covered - self._position, 0)]
        done = 0
        for end in self._ends(len(view)):
            self._digest.update(view[done:end])
            self._fragments.append("".join(f"{byte:x}"[0] for byte in self._digest.digest()[:_DIGITS]))
            self.ends.append(self._position + end)
            done = end
        self._digest.update(view[done:])
        self._position += len(data)

    def result(self) -> Embedded:
        """Return the checksum of all that was fed."""
        return Embedded(self._digest.hexdigest(), "".join(self._fragments))

    def _ends(self, length: int) -> List[int]:
        """Return the ends, within the bytes at hand, of the steps with which a new fragment begins."""
        ends = []
        for start in range(0, length, _STEP):
            current = (self._position + start) * (_FRAGMENTS + 1) // self._covered
            if current != self._number:
                ends.append(start + _STEP)
                self._number = current
        return ends

    def _blank(self, data: bytes) -> bytes:
        at = FIELD_OFFSET - self._position
        return data[:at] + b" " * FIELD_SIZE + data[at + FIELD_SIZE :]


class MediaCheck:
    """Compares a volume of ``size`` bytes, fed in order, with its media checksum (None: unreadable).

    The MD5 of all decides; the fragments only tell where. ``damage`` is the first part (from, to before) that
    is not as it was when the checksum was made, known when all was fed; None if there is none.
    """

    def __init__(self, size: int, carried: Optional[Embedded]) -> None:
        self._sum, self._carried, self._end = MediaSum(size), carried, size - SKIPPED_BLOCKS * BLOCK
        unreadable = (FIELD_OFFSET, FIELD_OFFSET + FIELD_SIZE)
        self.damage: Optional[Tuple[int, int]] = None if carried else unreadable

    def update(self, data: bytes) -> None:
        """Take the next bytes, as :meth:`MediaSum.update` does."""
        self._sum.update(data)

    def finish(self) -> None:
        """Compare the sum of all that was fed."""
        found = self._sum.result()
        if self._carried and found.md5 != self._carried.md5:
            self.damage = self._first(found.fragments, self._carried.fragments)

    def _first(self, found: str, carried: str) -> Tuple[int, int]:
        start = 0
        for number, end in enumerate(self._sum.ends):
            digits = slice(_DIGITS * number, _DIGITS * (number + 1))
            if found[digits] != carried[digits]:
                return start, end
            start = end
        return start, self._end
