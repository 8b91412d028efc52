"""Engines made once and kept: found again by everything that decides what they are."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping, Optional, Sequence

from switchroom.build import macros
from switchroom.build.store import key_of
from switchroom.build.workspace import cache_dir, data_path
from switchroom.catalog.model import Series
from switchroom.core import lock
from switchroom.core.files import sha256, staging

_BUILD_SECONDS = 1800.0
_SHARED_CODE = ("keep.py", "package.py", "tree.py")


@dataclass(frozen=True)
class LabEngine:
    """An engine of the lab: what it is, and its RPM files (the engine, its parts, their meta packages)."""

    series: Series
    packages: tuple[Path, ...]


def kept(
    series: Series, code: Sequence[str], facts: Mapping[str, Any], make: Callable[[Path, Path], None]
) -> LabEngine:
    """Return a series' engine from the cache, or build it by ``make(work, into)``.

    ``make`` gets an empty scratch folder and the empty folder that takes the RPM files. ``code`` names the
    files of this package that make it, ``facts`` (any JSON value) all else that decides the result.
    """
    final = _folder(series, code, facts)
    with lock.exclusive(final.parent / ".lock", what="the lab's engines", wait=_BUILD_SECONDS):
        if not final.is_dir():
            _make(final, make)
    return _engine(series, final)


def find(series: Series, code: Sequence[str], facts: Mapping[str, Any]) -> Optional[LabEngine]:
    """Return the engine that ``kept`` would not have to make, or None."""
    final = _folder(series, code, facts)
    return _engine(series, final) if final.is_dir() else None


def _engine(series: Series, folder: Path) -> LabEngine:
    return LabEngine(series, tuple(sorted(folder.glob("*.rpm"))))


def _folder(series: Series, code: Sequence[str], facts: Mapping[str, Any]) -> Path:
    key = key_of({"code": _digests(code), "facts": facts, "version": series.prefix_name})
    return cache_dir("lab", "engines") / f"{series.prefix_name}-{key[:16]}"


def _make(final: Path, make: Callable[[Path, Path], None]) -> None:
    for dead in final.parent.glob(".staging-*"):
        shutil.rmtree(dead)  # its builder was killed, or we would not hold the lock
    with staging(final.parent) as scratch:
        work, into = scratch / "work", scratch / "packages"
        work.mkdir()
        into.mkdir()
        make(work, into)
        os.sync()  # a power cut after the rename must not leave empty files under the final name
        into.rename(final)


def _digests(code: Sequence[str]) -> dict[str, str]:
    specs = data_path("rpmspecs")
    ours = [Path(__file__).with_name(name) for name in {*_SHARED_CODE, *code}]
    files = [*ours, specs / "asterisk.spec", *macros.files(specs)]
    return {path.name: sha256(path) for path in files}
