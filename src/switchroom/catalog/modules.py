"""Asterisk's modules, series by series: how well each is supported, whether it is off, what it needs.

The data is ``data/modules.json``, which names its source.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import AbstractSet, Any, Dict, FrozenSet, Iterable, Iterator, Mapping, Tuple

from switchroom.catalog.versions import parts

PACKAGED = Path(__file__).resolve().parent / "data" / "modules.json"


@dataclass(frozen=True)
class Module:
    """One module of one series.

    ``support`` is upstream's word: core, extended or deprecated. ``off`` says that a build leaves it out
    unless it is enabled by name. ``depends`` names modules and libraries as menuselect does.
    """

    name: str
    support: str
    off: bool = False
    depends: Tuple[str, ...] = ()


@dataclass(frozen=True)
class ModuleTable:
    """The modules of a series by name, as of ``release`` (upstream's tag), and its bundled libraries."""

    series: str
    release: str
    bundled: Mapping[str, str]
    modules: Mapping[str, Module]

    def buildable(self, libraries: AbstractSet[str]) -> FrozenSet[str]:
        """Return the modules that a build with these libraries can make when all are enabled."""
        return self.built(self.modules, (), libraries)

    def built(
        self, enable: Iterable[str], disable: Iterable[str], libraries: AbstractSet[str]
    ) -> FrozenSet[str]:
        """Return the modules that a build makes, as menuselect decides it.

        A module is left out that is off and not in ``enable``, is in ``disable``, or needs something that is
        neither in ``libraries`` nor a module that is made.
        """
        off = {name for name, module in self.modules.items() if module.off}
        made = set(self.modules) - (off - set(enable)) - set(disable)
        while lost := {name for name in made if not self._met(name, made, libraries)}:
            made -= lost
        return frozenset(made)

    def _met(self, name: str, made: AbstractSet[str], libraries: AbstractSet[str]) -> bool:
        return all(one in made or one in libraries for one in self.modules[name].depends)


def table_of(series: str) -> ModuleTable:
    """Return the table of a series; of one that is newer than the data, that of the newest before it."""
    tables, branch = module_tables(), series.startswith("certified-")
    if series in tables:
        return tables[series]
    older = [
        key for key in tables if key.startswith("certified-") == branch and _number(key) < _number(series)
    ]
    return tables[max(older or tables, key=_number)]


def _number(series: str) -> Tuple[int, ...]:
    return parts(series.rpartition("-")[2])


@functools.cache
def module_tables() -> Mapping[str, ModuleTable]:
    """Return the table of each series that there is data for, by the series' key."""
    data: Any = json.loads(PACKAGED.read_text(encoding="utf-8"))
    found: Dict[str, Dict[str, Module]] = {series: {} for series in data["releases"]}
    for series, module in _modules(data["modules"]):
        found[series][module.name] = module
    return {
        series: ModuleTable(series, release, data["bundled"][series], found[series])
        for series, release in data["releases"].items()
    }


def _modules(data: Mapping[str, Any]) -> Iterator[Tuple[str, Module]]:
    for name, records in data.items():
        for record in records:
            depends = tuple(record.get("depends", ()))
            module = Module(name, record["support"], record.get("off", False), depends)
            yield from ((series, module) for series in record["in"])
