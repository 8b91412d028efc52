"""Files of a box that is not this machine: below a root, with links followed inside that root."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path, PurePosixPath
from typing import Iterator, List, Tuple

_LINKS = 40  # as many as Linux follows before it says ELOOP


def rooted(root: Path, name: str) -> Path:
    """Return where the box's path ``name`` really is; an absolute link stays below ``root``."""
    where, left, followed = root, list(PurePosixPath("/", name).parts[1:]), 0
    while left:
        step = left.pop(0)
        if step == "..":
            where = where if where == root else where.parent
            continue
        where = where / step
        if where.is_symlink() and followed < _LINKS:
            followed += 1
            target = PurePosixPath(os.readlink(where))
            where = root if target.is_absolute() else where.parent
            left = [part for part in target.parts if part != "/"] + left
    return where


def expand(root: Path, pattern: str) -> Tuple[str, ...]:
    """Return the box's files that a pattern with ``*``, ``?``, ``[…]`` and ``{a,b}`` names, sorted."""
    return tuple(name for plain in _braces(pattern) for name in _matches(root, plain))


def _matches(root: Path, pattern: str) -> List[str]:
    if not glob.has_magic(pattern):
        return [pattern] if rooted(root, pattern).is_file() else []
    found = sorted(glob.glob(str(_folder(root, PurePosixPath(pattern).parent) / PurePosixPath(pattern).name)))
    names = (_on_box(root, PurePosixPath(pattern).parent, name) for name in found)
    return [name for name in names if rooted(root, name).is_file()]


def _folder(root: Path, folder: PurePosixPath) -> Path:
    """Return the pattern of a folder; its links are only followed inside ``root`` where it has no magic."""
    if glob.has_magic(str(folder)):
        return Path(glob.escape(str(root))) / folder.relative_to("/")
    return Path(glob.escape(str(rooted(root, str(folder)))))


def _on_box(root: Path, folder: PurePosixPath, found: str) -> str:
    if glob.has_magic(str(folder)):
        return str(Path("/") / Path(found).relative_to(root))
    return str(folder / Path(found).name)


def _braces(pattern: str) -> Iterator[str]:
    match = re.search(r"\{([^{}]*)\}", pattern)
    if match is None:
        yield pattern
        return
    for choice in match[1].split(","):
        yield from _braces(pattern[: match.start()] + choice + pattern[match.end() :])
