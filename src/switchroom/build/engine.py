"""What the packages of an engine will hold and whether its sources fit, known before anything is compiled."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import FrozenSet, Mapping, Tuple

from switchroom.build.asterisk_source import bundled, text_of
from switchroom.build.tarball import read_tree
from switchroom.catalog.model import ModuleSet, Series, SeriesType
from switchroom.catalog.modules import ModuleTable, table_of
from switchroom.core.errors import ExitCode, SwitchroomError

_LIBRARIES = re.compile(r"^%global engine_libraries (.+)$", re.MULTILINE)
_PART = re.compile(r"^%global modules_(\w+)\s+(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Contents:
    """An engine's modules (names without ``.so``); ``enable`` are those that upstream leaves off.

    ``parts`` maps each package beside the engine's own (``calendar``) to its modules; one without a module is
    not made. ``known`` is the release the module data was read from.
    """

    enable: Tuple[str, ...]
    disable: Tuple[str, ...]
    modules: FrozenSet[str]
    parts: Mapping[str, Tuple[str, ...]]
    known: ModuleTable


def contents(spec: Path, series: Series) -> Contents:
    """Return what a build of a series makes by the spec's libraries and parts.

    Raises SwitchroomError (usage) where ``enable`` or ``disable`` of the catalog names what no module is
    called, or what this build cannot make.
    """
    text = spec.read_text()
    libraries = frozenset(" ".join(_LIBRARIES.findall(text)).split())
    key = series.made_from or series.key
    known = table_of(key)
    _check_names(series, known)
    enable = tuple(sorted({*series.enable, *_completing(series, known, libraries)}))
    modules = known.built(enable, series.disable, libraries)
    _check_enabled(series, modules)
    parts = {part: tuple(sorted(fnmatch.filter(modules, shape))) for part, shape in _PART.findall(text)}
    made = {part: found for part, found in parts.items() if found}
    return Contents(enable, series.disable, modules, made, known)


def _completing(series: Series, known: ModuleTable, libraries: FrozenSet[str]) -> FrozenSet[str]:
    """Return what a certified branch leaves off and the series it comes from has."""
    if series.type is not SeriesType.CERTIFIED or series.module_set is ModuleSet.BARE:
        return frozenset()
    ordinary = table_of(series.key.rpartition("-")[2].partition(".")[0]).built((), (), libraries)
    off = {name for name in ordinary & set(known.modules) if known.modules[name].off}
    return known.built(off, (), libraries) & off


def _check_names(series: Series, known: ModuleTable) -> None:
    unknown = sorted({*series.enable, *series.disable} - set(known.modules))
    if unknown:
        raise _refusal(series, f"Asterisk {known.release} has no module {_quoted(unknown)}.")


def _check_enabled(series: Series, modules: FrozenSet[str]) -> None:
    lost = sorted(set(series.enable) - modules)
    if lost:
        raise _refusal(
            series, f"The spec has no library for {_quoted(lost)}, or 'disable' takes what it needs."
        )


def _refusal(series: Series, cause: str) -> SwitchroomError:
    return SwitchroomError(
        f"What the catalog enables or disables for Asterisk {series.version} cannot be built.",
        cause=cause,
        hint=f"Correct 'enable' and 'disable' of series '{series.key}'.",
        code=ExitCode.USAGE,
    )


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def check_bundled(files: Mapping[str, Path], series: Series) -> None:
    """Raise SwitchroomError (refused) unless the pjproject at hand is the one that Asterisk's source wants.

    Asterisk's tarball names version and MD5 of each library it bundles (``third-party/versions.mak`` and
    ``third-party/pjproject/pjproject-VERSION.tar.bz2.md5``) and its build stops at any other.
    """
    source = f"asterisk-{series.source_version}"
    tree = read_tree(files[f"{source}.tar.gz"], strip=1)
    wanted = bundled(tree).get("pjproject")
    name = f"pjproject-{wanted}.tar.bz2" if wanted else ""
    if name not in files:
        raise _mismatch(source, f"it wants '{name or 'no pjproject that it names'}'", series)
    digest = hashlib.md5(files[name].read_bytes(), usedforsecurity=False).hexdigest()
    if text_of(tree, f"third-party/pjproject/{name}.md5").split()[:1] != [digest]:
        raise _mismatch(source, f"'{files[name]}' has the MD5 {digest}, which it does not name", series)


def _mismatch(source: str, cause: str, series: Series) -> SwitchroomError:
    return SwitchroomError(
        f"The pjproject at hand is not the one that '{source}' bundles.",
        cause=f"{cause}.",
        hint=f"Correct 'bundled' and 'sources' of series '{series.key}', or fetch both from one origin.",
        code=ExitCode.REFUSED,
    )
