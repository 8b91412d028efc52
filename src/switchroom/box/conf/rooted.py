"""Which files of a box a pattern of Asterisk's ``#include`` names."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path, PurePosixPath
from typing import Iterator, List, Pattern, Tuple

from switchroom.box.reading import Budget, is_file, listed

_MAGIC = re.compile(r"[*?[]")
_BRACES = re.compile(r"\{([^{}]*)\}")


def expand(root: Path, pattern: str, budget: Budget) -> Tuple[str, ...]:
    """Return the box's files that a pattern with ``*``, ``?``, ``[…]`` and ``{a,b}`` names, sorted.

    Raises OSError and UnreadableError for a folder that a pattern would need and that is not read.
    """
    return tuple(name for plain in _braces(pattern, budget) for name in _matches(root, plain, budget))


def _braces(pattern: str, budget: Budget) -> Iterator[str]:
    waiting = [pattern]
    while waiting:
        one = waiting.pop()
        match = _BRACES.search(one)
        if match is None:
            yield one
            continue
        choices = match[1].split(",")
        budget.spend("names", len(choices))
        waiting += [one[: match.start()] + choice + one[match.end() :] for choice in reversed(choices)]


def _matches(root: Path, pattern: str, budget: Budget) -> List[str]:
    budget.spend("names")
    found = ["/"]
    for part in PurePosixPath("/", pattern).parts[1:]:
        if _MAGIC.search(part):
            found = [f"{folder}/{name}" for folder in found for name in _named(root, folder, part, budget)]
        else:
            found = [f"{folder}/{part}" for folder in found]
    names = (name.lstrip("/") for name in found)
    return [f"/{name}" for name in names if is_file(root, f"/{name}")]


def _named(root: Path, folder: str, part: str, budget: Budget) -> List[str]:
    wanted = _compiled(part)
    hidden = part.startswith(".")
    names = _listed(root, folder, budget)
    return [name for name in names if wanted.match(name) and (hidden or not name.startswith("."))]


def _listed(root: Path, folder: str, budget: Budget) -> List[str]:
    try:
        return listed(root, folder, budget)
    except (FileNotFoundError, NotADirectoryError):  # no such folder, so no file in it
        return []


def _compiled(part: str) -> Pattern[str]:
    try:
        return re.compile(fnmatch.translate(part))
    except re.error:  # a range from z to a: matches nothing
        return re.compile(r"(?!)")
