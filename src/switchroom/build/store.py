"""Built packages, found again by a key made of everything that went into them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, Mapping, Optional, Tuple

from switchroom.build.digest import DigestMemo
from switchroom.build.workspace import cache_dir
from switchroom.core import lock
from switchroom.core.errors import SwitchroomError, reading
from switchroom.core.files import staging, write_atomic

_RECORD = "record.json"
_WAIT_SECONDS = 2 * 3600.0  # a compile of Asterisk on a slow machine
_FORMAT = 1  # raise it when the way of building changes the result


def key_of(inputs: Mapping[str, Any]) -> str:
    """Return the cache key of a build's inputs (any JSON value)."""
    text = json.dumps({"format": _FORMAT, **inputs}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Store:
    """A folder of results, one folder a key, each with a record of its inputs and its files' checksums."""

    def __init__(self, memo: DigestMemo) -> None:
        self._folder = cache_dir("rpms")
        self._memo = memo

    def find(self, key: str) -> Optional[Tuple[Path, ...]]:
        """Return the packages of a key, or None when there are none or one is damaged."""
        folder = self._folder / key
        with contextlib.suppress(OSError, SwitchroomError), reading("The record of a build"):
            files: Dict[str, str] = json.loads((folder / _RECORD).read_bytes())["files"]
            whole = all(self._memo.sha256(folder / name) == digest for name, digest in files.items())
            return tuple(folder / name for name in sorted(files)) if whole else None
        return None

    def add(
        self, key: str, packages: Iterable[Path], log: Path, inputs: Mapping[str, Any]
    ) -> Tuple[Path, ...]:
        """Move packages and their log into the store; they appear in one rename."""
        final = self._folder / key
        with staging(self._folder) as scratch:
            entry = scratch / key
            entry.mkdir()
            moved = [Path(shutil.move(path, entry / path.name)) for path in packages]
            shutil.move(log, entry / "build.log")
            files = {path.name: self._memo.sha256(path) for path in moved}
            record = json.dumps({"inputs": inputs, "files": files}, indent=1, sort_keys=True)
            write_atomic(entry / _RECORD, record.encode())
            shutil.rmtree(final, ignore_errors=True)  # a damaged entry
            os.rename(entry, final)
        return tuple(final / path.name for path in sorted(moved))

    @contextlib.contextmanager
    def building(self, key: str, what: str) -> Iterator[None]:
        """Keep a second process from building the same thing at the same time."""
        with lock.exclusive(self._folder / f".{key}.lock", what=what, wait=_WAIT_SECONDS):
            yield


def generated(name: str, data: bytes) -> Path:
    """Return a file with this name and content in the cache, for inputs that no folder holds."""
    path = cache_dir("generated", hashlib.sha256(data).hexdigest()) / name
    if not path.exists():
        write_atomic(path, data)
    return path
