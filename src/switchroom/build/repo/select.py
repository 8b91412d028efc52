"""Picks packages by name or NEVRA."""

from __future__ import annotations

import difflib
from typing import List, Sequence, Tuple

from switchroom.build.repo.metadata import RepoPackage, in_order, newest_first
from switchroom.core.errors import ExitCode, SwitchroomError


def select(available: Sequence[RepoPackage], names: Sequence[str], *, where: str) -> Tuple[RepoPackage, ...]:
    """Return the packages named: a NEVRA is one build, a plain name its newest version.

    Raises SwitchroomError (code USAGE) for a name that is in none of ``available`` (the channel ``where``).
    """
    chosen = {package.file_name: package for name in names for package in _find(available, name, where)}
    return in_order(chosen.values())


def _find(available: Sequence[RepoPackage], name: str, where: str) -> List[RepoPackage]:
    exact = [package for package in available if package.nevra == name]
    named = newest_first([package for package in available if package.name == name])
    if exact or named:
        return exact or named[:1]
    close = difflib.get_close_matches(name, sorted({package.name for package in available}), n=3)
    raise SwitchroomError(
        f"There is no package '{name}' in the channel '{where}'.",
        hint=f"Did you mean: {', '.join(close)}?" if close else "Publish it first.",
        code=ExitCode.USAGE,
    )
