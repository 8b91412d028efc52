"""Modules of third parties in an engine's folder: what they are, and carrying them to another engine.

Asterisk refuses a module whose build-option sum (``AST_BUILDOPT_SUM``, 32 hexadecimal digits compiled into
every module) is not its own, and promises no binary interface across series.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import FrozenSet, List, Optional, Sequence, Tuple

from switchroom.box.engines import Engine
from switchroom.box.packages.state import query, series_of
from switchroom.box.paths import Paths
from switchroom.core.files import fsync_dir, sha256

_SUM = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?=\0)")


@dataclass(frozen=True)
class Foreign:
    """A module that is not one of the engine's packages; ``path`` is as programs on the box name it.

    ``owner`` is the package that brought it, or None; ``sums`` are the build-option sums it may have (one, as
    a rule); ``series`` is that of the engine in whose folder it was found, for which it was built.
    """

    name: str
    path: str
    owner: Optional[str]
    sums: Tuple[str, ...]
    series: str


@dataclass(frozen=True)
class Carried:
    """What became of a module: ``reason`` says why it was not carried, or is empty."""

    name: str
    carried: bool
    reason: str


def foreign(paths: Paths, engine: Engine) -> Tuple[Foreign, ...]:
    """Return the modules in an engine's folder that packages of its own source did not bring, by name."""
    series, own = series_of(engine), _packaged(engine, own=True)
    if not series:
        return ()
    folder = paths.from_box(str(engine.prefix)) / "modules"
    found = sorted(path for path in folder.glob("*.so") if path.name not in own)
    return tuple(Foreign(p.name, str(paths.on_box(p)), _owner(p), build_sums(p), series) for p in found)


def carry(paths: Paths, found: Sequence[Foreign], target: Engine) -> Tuple[Carried, ...]:
    """Copy the modules that fit into the target's folder, each whole or not at all, flushed to disk.

    Fits what was built for the same series with the target's build options. May be done again.
    """
    series, folder = series_of(target), paths.from_box(str(target.prefix)) / "modules"
    wanted, there = engine_sum(folder, _packaged(target, own=True)), _packaged(target)
    return tuple(_carry_one(paths, one, folder, _misfit(one, series, wanted, there)) for one in found)


def build_sums(module: Path) -> Tuple[str, ...]:
    """Return the strings in a module that may be its build-option sum; none if it cannot be read."""
    try:
        return tuple(sorted({match.decode() for match in _SUM.findall(module.read_bytes())}))
    except OSError:
        return ()


def engine_sum(folder: Path, packaged: FrozenSet[str]) -> str:
    """Return an engine's build-option sum: the one that its packaged modules have in common."""
    count = Counter(text for name in packaged for text in build_sums(folder / name))
    return count.most_common(1)[0][0] if count else ""


def _misfit(one: Foreign, series: str, wanted: str, there: FrozenSet[str]) -> str:
    if one.series != series:
        return f"it was built for the series '{one.series}', the target is of '{series}'"
    if wanted not in one.sums:
        return "it was built with other build options than the target"
    if one.name in there:
        return "a package has brought the target a module of that name"
    return ""


def _carry_one(paths: Paths, one: Foreign, folder: Path, misfit: str) -> Carried:
    source, copy = paths.from_box(one.path), folder / one.name
    if misfit or not source.is_file():
        return Carried(one.name, False, misfit or "it cannot be read any more")
    if not copy.is_file() or sha256(copy) != sha256(source):
        _copy_durably(source, copy)
    return Carried(one.name, True, "")


def _copy_durably(source: Path, copy: Path) -> None:
    # Not ending in .so: Asterisk never loads an unfinished one.
    scratch = copy.with_name(f".{copy.name}.carrying")
    shutil.copyfile(source, scratch)
    shutil.copystat(source, scratch)
    os.chown(scratch, source.stat().st_uid, source.stat().st_gid)
    handle = os.open(scratch, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(scratch, copy)
    fsync_dir(copy.parent)


def _packaged(engine: Engine, *, own: bool = False) -> FrozenSet[str]:
    """Return the names of an engine's modules that packages brought; ``own``: those of its own source."""
    names: List[str] = []
    for line in query(["--all", engine.package, f"{engine.package}-*"], "[%{=SOURCERPM} %{FILENAMES}\\n]"):
        source, _space, path = line.partition(" ")
        folder, _slash, name = path.rpartition("/")
        wanted = not own or source.rsplit("-", 2)[0] == engine.package
        if wanted and folder == f"{engine.prefix}/modules" and name.endswith(".so"):
            names.append(name)
    return frozenset(names)


def _owner(path: Path) -> Optional[str]:
    found = query(["--file", str(path)], "%{NAME}")
    return found[0] if found else None
