"""Versions and dependency ranges as rpm compares them (lib/rpmvercmp.c, and libsolv's strictness)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Tuple

_SEGMENTS = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")


@dataclass(frozen=True)
class Evr:
    """Epoch, version and release; an empty release compares equal to any."""

    epoch: str
    version: str
    release: str

    def compare(self, other: Evr) -> int:
        """Return -1, 0 or 1."""
        result = compare_versions(self.epoch or "0", other.epoch or "0")
        result = result or compare_versions(self.version, other.version)
        if result or not self.release or not other.release:
            return result
        return compare_versions(self.release, other.release)


@dataclass(frozen=True)
class Dependency:
    """A capability a package requires or provides; ``flags`` is EQ, LT, LE, GT, GE or None."""

    name: str
    flags: Optional[str]
    evr: Evr

    @classmethod
    def from_metadata(cls, entry: Tuple[object, ...]) -> Dependency:
        """Make one from createrepo_c's tuple (name, flags, epoch, version, release, ...)."""
        name, flags, *evr = entry[:5]
        return cls(str(name), str(flags) if flags else None, Evr(*(str(part or "") for part in evr)))

    def satisfied_by(self, provide: Dependency) -> bool:
        """Tell whether a provided capability meets this requirement; a bare provide meets no version."""
        if self.name != provide.name:
            return False
        if self.flags is None:
            return True
        return provide.flags is not None and _overlap(self, provide)

    def __str__(self) -> str:
        if self.flags is None:
            return self.name
        signs = {"EQ": "=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
        epoch = f"{self.evr.epoch}:" if self.evr.epoch not in ("", "0") else ""
        release = f"-{self.evr.release}" if self.evr.release else ""
        return f"{self.name} {signs[self.flags]} {epoch}{self.evr.version}{release}"


def compare_versions(left: str, right: str) -> int:
    """Compare two version strings as rpmvercmp() does: ``~`` sorts before the end, ``^`` after it."""
    if left == right:
        return 0
    ours, theirs = _SEGMENTS.findall(left), _SEGMENTS.findall(right)
    length = max(len(ours), len(theirs))
    ours += [""] * (length - len(ours))
    theirs += [""] * (length - len(theirs))
    for one, two in zip(ours, theirs):
        first, second = _weight(one), _weight(two)
        if first != second:
            return 1 if first > second else -1
    return 0


def _weight(segment: str) -> Tuple[int, int, str]:
    """Order segments: tilde < end of string < caret < letters < digits."""
    if segment.isdigit():
        return (4, int(segment), "")
    if segment.isalpha():
        return (3, 0, segment)
    return ({"~": 0, "": 1, "^": 2}[segment], 0, "")


def _overlap(one: Dependency, two: Dependency) -> bool:
    order = one.evr.compare(two.evr)
    first, second = str(one.flags), str(two.flags)
    if order < 0:
        return "G" in first or "L" in second
    if order > 0:
        return "L" in first or "G" in second
    return any(sense in first and sense in second for sense in "LG") or ("E" in first and "E" in second)
