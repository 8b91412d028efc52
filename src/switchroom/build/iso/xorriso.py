"""Reading ISO 9660 images with xorriso: listings, reports, single files; no root, no mounts."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Dict, FrozenSet, List, Mapping, Tuple

from switchroom.core.process import Arg, run

BLOCK = 2048  # bytes in an ISO 9660 block
_EXTENT = re.compile(r"File data lba: +\d+ , +(\d+) , +(\d+) , +\d+ , (.*)$")
# xorriso's own start-up files could change what it writes.
_QUIET = ("xorriso", "-no_rc", "-abort_on", "FAILURE")


def read(image: Path, *commands: Arg, what: str) -> str:
    """Run xorriso commands on an image opened for reading and return what they report."""
    return run([*_QUIET, "-indev", f"stdio:{image}", *commands, "-end"], what=what).stdout.decode(
        errors="replace"
    )


def paths(image: Path) -> FrozenSet[str]:
    """Return the paths of all regular files on an image, without the leading slash."""
    report = read(image, "-find", "/", "-type", "f", "--", what=f"Listing '{image.name}'")
    names = (shlex.split(line)[0] for line in report.splitlines() if line.startswith("'/"))
    return frozenset(name.lstrip("/") for name in names)


def extract(image: Path, wanted: Mapping[str, Path]) -> None:
    """Copy files or folders (path on the image to path on disk) out of an image; all become writable."""
    if not wanted:
        return
    commands = [word for source, dest in wanted.items() for word in ("-extract", f"/{source}", str(dest))]
    for dest in wanted.values():
        dest.parent.mkdir(parents=True, exist_ok=True)
    run(
        [*_QUIET, "-osirrox", "on", "-indev", f"stdio:{image}", *commands, "-end"],
        what=f"Reading files from '{image.name}'",
    )
    for dest in wanted.values():
        for path in (dest, *dest.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def extents(image: Path) -> Dict[str, List[Tuple[int, int]]]:
    """Return where the content of each regular file lies: path to (offset, size in whole blocks), in order.

    A file of 4 GiB and more has several; an empty one is left out.
    """
    report = read(
        image, "-find", "/", "-type", "f", "-exec", "report_lba", "--", what=f"Mapping '{image.name}'"
    )
    found: Dict[str, List[Tuple[int, int]]] = {}
    for line in report.splitlines():
        row = _EXTENT.match(line)
        if row and int(row[2]):
            path = shlex.split(row[3])[0].lstrip("/")
            found.setdefault(path, []).append((int(row[1]) * BLOCK, int(row[2]) * BLOCK))
    return found


def grow(image: Path, *commands: Arg, epoch: int, padding: int) -> None:
    """Add a session with these changes, dated ``epoch``, and ``padding`` empty blocks to an image."""
    run(
        [*_QUIET, "-dev", f"stdio:{image}", "-padding", f"{padding}s", *commands, "-end"],
        what="Laying out the image",
        env={"SOURCE_DATE_EPOCH": str(epoch), "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    )
