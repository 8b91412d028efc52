"""Reading ISO 9660 images with xorriso: listings, reports, single files; no root, no mounts."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import FrozenSet, Mapping

from switchroom.core.process import Arg, run

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


def write(image: Path, new: Path, *commands: Arg, env: Mapping[str, str], what: str) -> None:
    """Write a changed copy of an image to a new file."""
    run(
        [*_QUIET, "-indev", f"stdio:{image}", "-outdev", f"stdio:{new}", *commands, "-end"],
        what=what,
        env=env,
    )
