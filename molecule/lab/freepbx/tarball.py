"""Packs the fake FreePBX as FreePBX packs the real one: a folder ``freepbx`` with ``install`` on top.

What it imitates was read in https://github.com/FreePBX/framework (``install``, ``installlib`` and
``amp_conf/htdocs/admin/libraries/Console``) and seen on a FreePBX 16: order, files, options and exit
codes that mislead. It administers no telephone system.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Iterator

_FAKE = Path(__file__).with_name("fake")
_FWCONSOLE = Path(__file__).parents[1] / "fwconsole/fake-fwconsole"
_EPOCH = 1_700_000_000
_RUNS = ("install", "fwconsole", "fake-fwconsole")


def build(folder: Path, version: str) -> Path:
    """Write ``fake-freepbx-VERSION.tgz`` into a folder and return it; the same input gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"fake-freepbx-{version}.tgz"
    with tarfile.open(target, "w:gz") as archive:
        for name, content in sorted(_files(version)):
            archive.addfile(_entry(name, len(content)), io.BytesIO(content))
    return target


def _files(version: str) -> Iterator[tuple[str, bytes]]:
    yield "amp_conf/bin/fake-fwconsole", _FWCONSOLE.read_bytes()
    for path in _FAKE.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            text = path.read_text().replace("@VERSION@", version)
            yield str(path.relative_to(_FAKE)), text.encode()


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f"freepbx/{name}")
    entry.size, entry.mtime = size, _EPOCH
    entry.mode = 0o755 if Path(name).name in _RUNS else 0o644
    return entry
