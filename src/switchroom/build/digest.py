"""SHA-256 of big files, remembered as long as the file on disk is the very same."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Dict, List, Union

from switchroom.build.workspace import cache_dir
from switchroom.core.files import sha256, write_atomic

_State = List[Union[int, str]]

# A file changed within the clock's granularity after it was hashed would look unchanged.
_SETTLED_SECONDS = 2.0


class DigestMemo:
    """Checksums by path, kept in one file of the cache.

    A remembered checksum counts only while device, inode, size and both times (to the nanosecond) are the
    same; the change time cannot be set back by a program. Losing the memo costs time, nothing else.
    """

    def __init__(self) -> None:
        self._path = cache_dir() / "digests.json"
        self._known = _load(self._path)

    def sha256(self, path: Path) -> str:
        """Return a file's checksum, read from disk only if the file is not known unchanged."""
        key, stat = str(path.absolute()), path.stat()
        state: _State = [stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
        known = self._known.get(key)
        if known and known[:-1] == state:
            return str(known[-1])
        digest = sha256(path)
        if time.time() - stat.st_ctime_ns / 1e9 > _SETTLED_SECONDS:
            self._remember(key, [*state, digest])
        return digest

    def _remember(self, key: str, state: _State) -> None:
        self._known = {**_load(self._path), key: state}
        present = {name: known for name, known in self._known.items() if os.path.exists(name)}
        write_atomic(self._path, json.dumps(present, indent=1, sort_keys=True).encode())


def _load(path: Path) -> Dict[str, _State]:
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
