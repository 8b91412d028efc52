"""Bytes that pass once, and all that is computed from them meanwhile, each in a thread of its own.

hashlib and file input and output release Python's lock, so the threads share the processors. Memory stays
flat: each thread may be a few blocks behind the reader, no more.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import threading
from pathlib import Path
from typing import Callable, Iterator, List, Optional

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


def write_at(handle: int, data: bytes, offset: int) -> None:
    """Write all of ``data`` at a place in an open file."""
    view = memoryview(data)
    while view:
        done = os.pwrite(handle, view, offset)
        view, offset = view[done:], offset + done
