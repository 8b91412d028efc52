"""Bytes that pass once, and all that is computed from them meanwhile, each in a thread of its own.

hashlib and file input and output release Python's lock, so the threads share the processors. Memory stays
flat: each thread may be a few blocks behind the reader, no more.
"""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Sequence

from switchroom.build.iso.graft import Graft, Overlay
from switchroom.build.iso.mediasum import FIELD_OFFSET, MediaSum
from switchroom.core.files import sha256

CHUNK = 1 << 20  # bytes; the unit of the sums in a manifest
_DEPTH = 8  # chunks a thread may be behind

Consumer = Callable[[bytes], object]


class Crew:
    """Threads that each hand every block to one consumer, in order; use it as a context manager."""

    def __init__(self, *consumers: Consumer) -> None:
        self._hands = [_Hand(consumer) for consumer in consumers]
        self._finished = False

    def __enter__(self) -> Crew:
        for hand in self._hands:
            hand.start()
        return self

    def __exit__(self, kind: Optional[type], *_: object) -> None:
        """Wait until all is taken; raises what a consumer raised, unless another error is on its way."""
        with contextlib.suppress(*([] if kind is None else [Exception])):
            self.finish()

    def finish(self) -> None:
        """Wait until all that was given is taken; nothing may be given any more."""
        if not self._finished:
            self._finished = True
            for hand in self._hands:
                hand.put(None)
        for hand in self._hands:
            hand.join()
        for hand in self._hands:
            hand.check()

    def give(self, data: bytes) -> None:
        """Hand a block to every consumer."""
        for hand in self._hands:
            hand.check()
            hand.put(data)


class _Hand(threading.Thread):
    def __init__(self, consumer: Consumer) -> None:
        super().__init__(daemon=True)
        self._consumer = consumer
        self._blocks: queue.Queue[Optional[bytes]] = queue.Queue(_DEPTH)
        self._error: Optional[Exception] = None

    def put(self, data: Optional[bytes]) -> None:
        self._blocks.put(data)

    def run(self) -> None:
        while (data := self._blocks.get()) is not None:
            try:
                if self._error is None:
                    self._consumer(data)
            except Exception as error:
                self._error = error

    def check(self) -> None:
        if self._error:
            raise self._error


class ChunkSums:
    """The SHA-256 of each block, in order."""

    def __init__(self) -> None:
        self.sums: List[str] = []

    def update(self, data: bytes) -> None:
        """Take one chunk."""
        self.sums.append(hashlib.sha256(data).hexdigest())


def chunks(path: Path) -> Iterator[bytes]:
    """Yield a file in chunks."""
    with path.open("rb") as stream:
        while data := stream.read(CHUNK):
            yield data


class Composer:
    """Puts a new image together from its base and the graft; the base's sum is computed meanwhile."""

    def __init__(self, base: Path, graft: Graft) -> None:
        self._base, self._graft = base, graft
        self._digest = hashlib.sha256()
        self._crew = Crew(self._digest.update)

    def chunks(self) -> Iterator[bytes]:
        """Yield the chunks of the new image."""
        with self._base.open("rb") as old, self._graft.skeleton.open("rb") as new, self._crew:
            size, parts = self._base.stat().st_size, _Parts(self._graft.overlays, self.sha256)
            for start in range(0, self._graft.size, CHUNK):
                length = min(CHUNK, self._graft.size - start)
                data = old.read(min(length, max(size - start, 0)))
                if data:
                    self._crew.give(data)
                if len(data) < length:
                    new.seek(start + len(data))
                    data += new.read(length - len(data))
                yield parts.patched(data, start)

    def sha256(self) -> str:
        """Return the base's SHA-256; only when all of it has passed."""
        self._crew.finish()
        return self._digest.hexdigest()


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
    base_sha256: str


def press(base: Path, graft: Graft, image: Path, advance: Callable[[int], None]) -> Pressed:
    """Write the new image with its media checksum embedded; ``advance`` is told the bytes of each chunk.

    The base is read once and the image written once. The whole image's SHA-256 cannot be had in that pass:
    the media checksum lies in block 16, and all that SHA-256 does behind it depends on it. It is taken from
    what was just written, which the page cache still has.
    """
    composer, media, sums = Composer(base, graft), MediaSum(graft.size), ChunkSums()
    with image.open("wb") as sink, Crew(sink.write, media.update, sums.update) as crew:
        for data in composer.chunks():
            crew.give(data)
            advance(len(data))
    with image.open("r+b") as again:
        again.seek(FIELD_OFFSET)
        again.write(media.result().field())
    sums.sums[0] = hashlib.sha256(next(chunks(image))).hexdigest()
    return Pressed(sha256(image), sums.sums, composer.sha256())
