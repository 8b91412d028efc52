"""Reads an engine into memory before the clock runs."""

from __future__ import annotations

from pathlib import Path

from switchroom.box.engines import Engine
from switchroom.box.paths import Paths

_PARTS = ("sbin", "lib", "modules", "share/documentation")
_CHUNK = 1 << 20


def read_ahead(paths: Paths, engine: Engine) -> int:
    """Read what an engine loads at its start into the page cache; return the bytes read."""
    prefix = paths.from_box(str(engine.prefix))
    files = (file for part in _PARTS for file in sorted((prefix / part).rglob("*")))
    return sum(_read(file) for file in files if file.is_file())


def _read(file: Path) -> int:
    size = 0
    with file.open("rb", buffering=0) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
    return size
