"""A base on its way into a new image, and what is computed of it meanwhile, beside all other work."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Optional, Tuple

from switchroom.build.iso.mediasum import MediaCheck
from switchroom.build.iso.stream import Consumer, Crew, chunks, write_at

_FICLONE = 0x40049409  # ioctl of Linux, fs.h: share another file's blocks
_FLUSH_SECONDS = 0.5


@dataclass(frozen=True)
class BaseSums:
    """A base's SHA-256, and where it differs from its own media checksum: (from, to before), or None."""

    sha256: str
    damage: Optional[Tuple[int, int]]


class Copying:
    """Copies a base into ``image``, if one is given, and computes its sums; use it as a context manager.

    The base's own media checksum is compared by ``media``, if given. ``passed`` is told the bytes of each
    chunk; an error of it ends the copying, and :meth:`wait` and :meth:`finish` raise it. So does leaving
    the block.
    """

    def __init__(
        self,
        base: Path,
        image: Optional[Path],
        media: Optional[MediaCheck] = None,
        passed: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self._base, self._image, self._media, self._passed = base, image, media, passed
        self._digest = hashlib.sha256()
        self._state = threading.Condition()
        self._copied = 0
        self._ended = self._left = False
        self._error: Optional[Exception] = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.size = base.stat().st_size

    @property
    def image(self) -> Path:
        """The image that is written."""
        assert self._image  # noqa: S101
        return self._image

    def __enter__(self) -> Copying:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left = True
        self._thread.join()

    def wait(self, end: int) -> None:
        """Wait until the image has the base's bytes before ``end``; raises what went wrong."""
        with self._state:
            self._state.wait_for(lambda: self._ended or self._copied >= min(end, self.size))
            if self._error:
                raise self._error

    def finish(self) -> BaseSums:
        """Wait until all of the base has passed, and return its sums."""
        with self._state:
            self._state.wait_for(lambda: self._ended)
            if self._error:
                raise self._error
        return BaseSums(self._digest.hexdigest(), self._media.damage if self._media else None)

    def _run(self) -> None:
        try:
            with contextlib.ExitStack() as stack:
                crew = stack.enter_context(Crew(*self._consumers(stack)))
                for data in chunks(self._base):
                    if self._left:
                        return
                    crew.give(data)
                    self._passed(len(data))
            if self._media:
                self._media.finish()
                self._passed(0)
        except Exception as error:
            self._error = error
        finally:
            self._moved(0, ended=True)

    def _consumers(self, stack: contextlib.ExitStack) -> List[Consumer]:
        media = [self._media.update] if self._media else []
        return [self._digest.update, *media, *(self._writer(stack) if self._image else [])]

    def _writer(self, stack: contextlib.ExitStack) -> List[Consumer]:
        """Return what writes each block, or nothing where the file system shares blocks between files."""
        handle = os.open(self.image, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        stack.callback(os.close, handle)
        if _cloned(self._base, handle):
            self._moved(self.size)
            return []

        def write(data: bytes) -> None:
            write_at(handle, data, self._copied)
            self._moved(len(data))

        return [write]

    def _moved(self, count: int, ended: bool = False) -> None:
        with self._state:
            self._copied += count
            self._ended = self._ended or ended
            self._state.notify_all()


def _cloned(base: Path, handle: int) -> bool:
    with contextlib.suppress(OSError), base.open("rb") as source:
        fcntl.ioctl(handle, _FICLONE, source.fileno())
        return True
    return False


class Flushing(threading.Thread):
    """Hands a file's new bytes to the disk while others come; use it as a context manager.

    So the flush at the end finds little to do.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path, self._done = path, threading.Event()

    def __enter__(self) -> Flushing:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()

    def run(self) -> None:
        """Flush from time to time until the block is left; what fails is told by the flush at the end."""
        with contextlib.suppress(OSError), self._path.open("rb") as stream:
            while not self._done.wait(_FLUSH_SECONDS):
                os.fdatasync(stream.fileno())
