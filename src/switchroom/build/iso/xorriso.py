"""Reading ISO 9660 images with xorriso: listings, reports, single files; no root, no mounts."""

from __future__ import annotations

import os
import re
import shlex
import stat
import sys
from pathlib import Path, PurePosixPath
from typing import Callable, Dict, FrozenSet, List, Mapping, Optional, Set, Tuple

from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.process import Arg, failure, follow, run

BLOCK = 2048  # bytes in an ISO 9660 block
_SHOWN = 12  # names in one message
_EXTENT = re.compile(r"File data lba: +\d+ , +(\d+) , +(\d+) , +\d+ , (.*)$")
# xorriso's own start-up files could change what it writes.
_QUIET = ("xorriso", "-no_rc", "-abort_on", "FAILURE", "-backslash_codes", "encode_results")


def read(image: Path, *commands: Arg, what: str) -> str:
    """Run xorriso commands on an image opened for reading and return what they report."""
    return run([*_QUIET, "-indev", f"stdio:{image}", *commands, "-end"], what=what).stdout.decode(
        errors="replace"
    )


def paths(image: Path) -> FrozenSet[str]:
    """Return the paths of all regular files on an image, without the leading slash."""
    found: Set[str] = set()

    def take(line: str) -> None:
        if line.startswith("'/"):
            found.add(_path(line))

    _each_line(image, take, "-find", "/", "-type", "f", "--", what=f"Listing '{image.name}'")
    return frozenset(found)


def _each_line(image: Path, take: Callable[[str], None], *commands: Arg, what: str) -> None:
    """Do the same as :func:`read` with each line as it comes: media have many files."""
    words = [os.fspath(one) for one in (*_QUIET, "-indev", f"stdio:{image}", *commands, "-end")]
    result = follow(words, lambda line: take(line.decode(errors="replace").rstrip("\n")))
    if result.returncode != 0:
        raise failure(what, words, result)


def _path(quoted: str) -> str:
    """Return a path from a report, where it stands in a shell's quotes with odd bytes as backslash codes."""
    text = quoted[1:-1] if quoted.count("'") == 2 else shlex.split(quoted)[0]  # noqa: PLR2004
    if "\\" in text:
        text = os.fsdecode(text.encode().decode("unicode_escape").encode("latin-1"))
    return sys.intern(text.lstrip("/"))


def extract(image: Path, wanted: Mapping[str, Path]) -> None:
    """Copy files or folders (path on the image to path on disk) out of an image; all become writable.

    Raises SwitchroomError (refused), with nothing written, where one of them is or holds anything else: a
    link of a stranger's image would be followed here, a device be made.
    """
    if not wanted:
        return
    _refuse_special(image, wanted)
    commands = [word for source, dest in wanted.items() for word in ("-extract", f"/{source}", str(dest))]
    for dest in wanted.values():
        dest.parent.mkdir(parents=True, exist_ok=True)
    run(
        [*_QUIET, "-osirrox", "on", "-indev", f"stdio:{image}", *commands, "-end"],
        what=f"Reading files from '{image.name}'",
    )
    for dest in wanted.values():
        for path in (dest, *dest.rglob("*")):
            _open_up(path)


def _refuse_special(image: Path, wanted: Mapping[str, Path]) -> None:
    """Raise SwitchroomError (refused) unless all that is wanted are plain files and folders."""
    found: List[str] = []
    tops = {PurePosixPath(name) for name in wanted}

    def take(line: str) -> None:
        name = PurePosixPath(_path(line)) if line.startswith("'/") else None
        if name and tops & {name, *name.parents}:
            found.append(str(name))

    odd = ("-find", "/", "-not", "-type", "f", "-and", "-not", "-type", "d", "--")
    _each_line(image, take, *odd, what=f"Listing '{image.name}'")
    if found:
        raise SwitchroomError(
            f"'{image.name}' holds what is neither a file nor a folder where only these belong.",
            cause="\n".join(map(repr, sorted(found)[:_SHOWN])),
            hint="No publisher makes such a medium: get it anew, and name its checksum with --base-sums.",
            code=ExitCode.REFUSED,
        )


def _open_up(path: Path) -> None:
    """Let everybody read a file or folder that was extracted, and its owner write; no link is followed."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.fchmod(handle, 0o755 if stat.S_ISDIR(os.fstat(handle).st_mode) else 0o644)
    finally:
        os.close(handle)


def extents(
    image: Path, known: Optional[Mapping[str, List[Tuple[int, int]]]] = None
) -> Dict[str, List[Tuple[int, int]]]:
    """Return where the content of each regular file lies: path to (offset, size in whole blocks), in order.

    A file of 4 GiB and more has several; an empty one is left out. What is as in ``known`` is shared with it.
    """
    found: Dict[str, List[Tuple[int, int]]] = {}

    def take(line: str) -> None:
        row = _EXTENT.match(line)
        if row and int(row[2]):
            path, place = _path(row[3]), (int(row[1]) * BLOCK, int(row[2]) * BLOCK)
            before = known.get(path) if known else None
            if path in found:
                found[path] = [*found[path], place]
            else:
                found[path] = before if before == [place] else [place]

    words = ("-find", "/", "-type", "f", "-exec", "report_lba", "--")
    _each_line(image, take, *words, what=f"Mapping '{image.name}'")
    return found


def grow(image: Path, *commands: Arg, epoch: int, padding: int) -> None:
    """Add a session with these changes, dated ``epoch``, and ``padding`` empty blocks to an image."""
    run(
        [*_QUIET, "-dev", f"stdio:{image}", "-padding", f"{padding}s", *commands, "-end"],
        what="Laying out the image",
        env={"SOURCE_DATE_EPOCH": str(epoch), "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    )
