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
_PART = re.compile(r"^%global (libraries|modules)_(\w+)\s+(.+)$", re.MULTILINE)
_OPTIONAL = re.compile(r"^%global optional_parts (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Contents:
    """An engine's modules (names without ``.so``); ``enable`` are those that upstream leaves off.

    ``parts`` maps each package beside the engine's own (``calendar``) to its modules; one without a module is
    not made. ``optional`` are those made because the catalog names them. ``known`` is the release the module
    data was read from.
    """

    enable: Tuple[str, ...]
    disable: Tuple[str, ...]
    modules: FrozenSet[str]
    parts: Mapping[str, Tuple[str, ...]]
    optional: Tuple[str, ...]
    known: ModuleTable


@dataclass(frozen=True)
class _Offer:
    """What the spec can make of a series: its libraries, and the shapes of modules' names by part."""

    libraries: FrozenSet[str]
    parts: Mapping[str, Tuple[str, ...]]

    def modules(self, known: ModuleTable, part: str) -> Tuple[str, ...]:
        """Return the modules of a part that a series knows."""
        return tuple(
            sorted({name for shape in self.parts[part] for name in fnmatch.filter(known.modules, shape)})
        )

    def off(self, known: ModuleTable) -> FrozenSet[str]:
        """Return the modules of parts that can be made, and that upstream leaves off."""
        wanted = {name for part in self.parts for name in self.modules(known, part)}
        return frozenset(name for name in wanted & known.buildable(self.libraries) if known.modules[name].off)


def contents(spec: Path, series: Series) -> Contents:
    """Return what a build of a series makes by the spec's libraries and parts.

    Raises SwitchroomError (usage) where ``enable`` or ``disable`` of the catalog names what no module is
    called, or what this build cannot make.
    """
    offer = _offer(spec.read_text(), series)
    known = table_of(series.made_from or series.key)
    _check_names(series, known)
    named = {*series.enable, *(_completing(series, known, offer) - set(series.disable))}
    modules = known.built(named, series.disable, offer.libraries)
    # Menuselect does not turn on by itself what only needs a module that was turned on.
    enable = tuple(sorted({*series.enable, *modules - known.built((), series.disable, offer.libraries)}))
    _check_enabled(series, modules)
    parts = {part: tuple(sorted(modules & set(offer.modules(known, part)))) for part in offer.parts}
    made = {part: found for part, found in parts.items() if found}
    _check_parts(series, made)
    return Contents(enable, series.disable, modules, made, series.parts, known)


def _offer(text: str, series: Series) -> _Offer:
    """Return what the spec makes of this series: its parts, but of the optional ones those that are named."""
    found = [
        (kind, name.replace("_", "-"), tuple(words.split())) for kind, name, words in _PART.findall(text)
    ]
    optional = {part.replace("_", "-") for part in " ".join(_OPTIONAL.findall(text)).split()}
    left_out = optional - set(series.parts)
    parts = {part: shapes for kind, part, shapes in found if kind == "modules" and part not in left_out}
    more = [
        one for kind, part, words in found if kind == "libraries" and part not in left_out for one in words
    ]
    return _Offer(frozenset([*" ".join(_LIBRARIES.findall(text)).split(), *more]), parts)


def _completing(series: Series, known: ModuleTable, offer: _Offer) -> FrozenSet[str]:
    """Return what upstream leaves off and a PBX may want: modules of parts, all of them off by default.

    And of a certified branch what the series it comes from has; where the bare certified set is wanted, only
    the parts that the catalog names.
    """
    off = offer.off(known)
    if series.type is not SeriesType.CERTIFIED:
        return off
    asked = {
        name for part in series.parts if part in offer.parts for name in offer.modules(known, part)
    } & off
    if series.module_set is ModuleSet.BARE:
        return frozenset(asked)
    base = table_of(series.key.rpartition("-")[2].partition(".")[0])
    ordinary = base.built(offer.off(base), (), offer.libraries)
    behind = {name for name in ordinary & set(known.modules) if known.modules[name].off}
    return frozenset(asked | (known.built(behind, (), offer.libraries) & behind))


def _check_parts(series: Series, made: Mapping[str, Tuple[str, ...]]) -> None:
    lost = sorted(set(series.parts) - set(made))
    if lost:
        raise SwitchroomError(
            f"The catalog names parts of Asterisk {series.version} that cannot be built: {_quoted(lost)}.",
            cause="The spec knows no such part, or this series has no module of it.",
            hint=f"Correct 'parts' of series '{series.key}'.",
            code=ExitCode.USAGE,
        )


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
