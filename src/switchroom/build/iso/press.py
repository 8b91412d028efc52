"""A new image from its base and the graft, with all its sums."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Callable, Iterator, Sequence

from switchroom.build.iso.copying import BaseSums, Copying, Flushing
from switchroom.build.iso.graft import Graft, Overlay
from switchroom.build.iso.mediasum import FIELD_OFFSET, MediaSum
from switchroom.build.iso.stream import CHUNK, ChunkSums, Crew, chunks, write_at
from switchroom.core.files import sha256


class Composer:
    """Lays a graft over the base's bytes as they come to be in the image."""

    def __init__(self, copying: Copying, graft: Graft) -> None:
        self._copying, self._graft = copying, graft

    def chunks(self, image: BinaryIO) -> Iterator[bytes]:
        """Yield the chunks of the new image, each after it was written to ``image`` as far as it differs."""
        parts = _Parts(self._graft.overlays, lambda: self._copying.finish().sha256)
        with self._graft.skeleton.open("rb") as skeleton:
            for start in range(0, self._graft.size, CHUNK):
                old = self._old(image, start)
                missing = min(CHUNK, self._graft.size - start) - len(old)
                if missing:
                    skeleton.seek(start + len(old))
                new = parts.patched(old + skeleton.read(missing) if missing else old, start)
                if new is not old:
                    write_at(image.fileno(), new, start)
                yield new

    def _old(self, image: BinaryIO, start: int) -> bytes:
        """Return what a chunk has of the base."""
        length = max(min(CHUNK, self._copying.size - start, self._graft.size - start), 0)
        self._copying.wait(start + length)
        image.seek(start)
        return image.read(length)


class _Parts:
    """Lays overlays over chunks that come in order; content that needs it is given the base's sum."""

    def __init__(self, overlays: Sequence[Overlay], base_sha256: Callable[[], str]) -> None:
        self._overlays, self._base_sha256 = overlays, base_sha256
        self._next = 0

    def patched(self, data: bytes, start: int) -> bytes:
        """Return a chunk of the image that begins at ``start``."""
        pieces, done = [], start
        for one in self._touching(start + len(data)):
            begin, end = max(one.offset, start), min(one.offset + one.size, start + len(data))
            pieces += [data[done - start : begin - start], self._read(one, begin - one.offset, end - begin)]
            done = end
        return b"".join([*pieces, data[done - start :]]) if pieces else data

    def _touching(self, end: int) -> Iterator[Overlay]:
        while self._next < len(self._overlays) and self._overlays[self._next].offset < end:
            one = self._overlays[self._next]
            yield one
            if one.offset + one.size > end:
                return
            self._next += 1

    def _read(self, one: Overlay, at: int, size: int) -> bytes:
        if isinstance(one.content, Path):
            with one.content.open("rb") as stream:
                stream.seek(at)
                data = stream.read(size)
        else:
            content = one.content if isinstance(one.content, bytes) else one.content(self._base_sha256())
            data = content[at : at + size]
        return data.ljust(size, b"\0")


@dataclass(frozen=True)
class Pressed:
    """The sums of a new image: whole, of each chunk, and the base's."""

    sha256: str
    chunks: Sequence[str]
    base: BaseSums


def press(copying: Copying, graft: Graft, advance: Callable[[int], None]) -> Pressed:
    """Finish the image that ``copying`` fills, and embed its media checksum.

    ``advance`` is told the bytes of each chunk. The whole image's SHA-256 cannot be had in that pass: the
    media checksum lies in block 16, and all that SHA-256 does behind it depends on it. It is taken from what
    was just written, which the page cache still has.
    """
    image, composer = copying.image, Composer(copying, graft)
    media, sums = MediaSum(graft.size), ChunkSums()
    copying.wait(min(CHUNK, copying.size))  # now there is a file
    with image.open("r+b", buffering=0) as sink, Flushing(image):
        with Crew(media.update, sums.update) as crew:
            for data in composer.chunks(sink):
                crew.give(data)
                advance(len(data))
        sink.truncate(graft.size)
        write_at(sink.fileno(), media.result().field(), FIELD_OFFSET)
        sums.sums[0] = hashlib.sha256(next(chunks(image))).hexdigest()
        digest = sha256(image)
    return Pressed(digest, sums.sums, copying.finish())
