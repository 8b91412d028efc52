"""Comparing dotted version numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple


def parts(version: str) -> Tuple[int, ...]:
    """Return a dotted version as numbers: ``8.2`` is ``(8, 2)``; raises ValueError for anything else."""
    return tuple(int(part) for part in version.split("."))


def at_least(version: str, minimum: str) -> bool:
    """Return whether a version is not older than another; missing parts count as zero."""
    have, need = parts(version), parts(minimum)
    return have + (0,) * (len(need) - len(have)) >= need


def belongs_to(version: str, stream: str) -> bool:
    """Return whether a version is of a stream: 8.2.29 and 8.2 are of 8.2."""
    return parts(version)[: len(parts(stream))] == parts(stream)


@dataclass(frozen=True)
class VersionRange:
    """Inclusive bounds, each to its own precision: ``max`` 8.2 admits 8.2.29 but not 8.3."""

    min: Optional[str] = None
    max: Optional[str] = None

    def admits(self, version: str) -> bool:
        """Return whether a version lies within the bounds."""
        if self.min is not None and not at_least(version, self.min):
            return False
        return self.max is None or parts(version)[: len(parts(self.max))] <= parts(self.max)

    def __str__(self) -> str:
        if self.min is not None and self.min == self.max:
            return f"{self.min} exactly"
        if self.max is None:
            return f"{self.min} or later" if self.min else "any version"
        return f"{self.min} to {self.max}" if self.min else f"{self.max} or earlier"
