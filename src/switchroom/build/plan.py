"""What a build of packages would make and what it needs, told without sources, tools or a compile."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from switchroom.build.engine import Contents, contents
from switchroom.build.lookaside import Lookaside
from switchroom.build.release_signatures import ENDING
from switchroom.catalog.model import Catalog, Series, SoundSet, Source


@dataclass(frozen=True)
class Need:
    """A source file: where it must lie, and whether it is ``present``, ``missing`` or ``damaged``."""

    place: Path
    state: str
    source: Source

    def __str__(self) -> str:
        line = f"{self.state}: {self.place}"
        if self.state == "present":
            return line
        wanted = f", SHA-256 {self.source.sha256}" if self.source.sha256 else ""
        place = self.source.url or self.source.origin or "nowhere known"
        return f"{line}{wanted}\n           from {place}{self._beside}"

    @property
    def _beside(self) -> str:
        """What upstream has beside it to check it by."""
        stated = self.source.stated if not self.source.sha256 else ""
        ending = ENDING if self.source.signed else f".{stated}" if stated else ""
        return f" (beside it '{self.source.name}{ending}')" if ending else ""


@dataclass(frozen=True)
class Engine:
    """One series' engine: what its packages will hold."""

    series: Series
    contents: Contents

    @property
    def support(self) -> dict[str, int]:
        """How many of the modules upstream supports in which way."""
        known = self.contents.known.modules
        return dict(sorted(Counter(known[name].support for name in self.contents.modules).items()))

    def lines(self) -> Iterator[str]:
        """Yield what a person wants to know of it."""
        counts = ", ".join(f"{count} {support}" for support, count in self.support.items())
        yield f"{self.series.engine}: {self.series.label}, from {self.series.source_version}"
        known = f"module data of {self.contents.known.release}"
        yield f"  {len(self.contents.modules)} modules: {counts} ({known})"
        if self.contents.enable:
            beyond = f"beyond upstream's own choice: {', '.join(self.contents.enable)}"
            yield textwrap.fill(beyond, 110, initial_indent="  ", subsequent_indent="    ")
        for part, modules in self.contents.parts.items():
            yield f"  {self.series.engine}-{part}: {', '.join(modules)}"


@dataclass(frozen=True)
class Plan:
    """The engines, the packages of sounds, and all source files, each once."""

    engines: Sequence[Engine]
    sounds: Sequence[str]
    needs: Sequence[Need]

    @property
    def complete(self) -> bool:
        """Whether every source file is there."""
        return all(need.state == "present" for need in self.needs)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "engines": [
                {
                    "name": one.series.engine,
                    "series": one.series.key,
                    "modules": sorted(one.contents.modules),
                    "support": one.support,
                    "enable": list(one.contents.enable),
                    "parts": dict(one.contents.parts),
                }
                for one in self.engines
            ],
            "sounds": list(self.sounds),
            "sources": [
                {
                    "path": str(need.place),
                    "state": need.state,
                    "url": need.source.url,
                    "sha256": need.source.sha256,
                }
                for need in self.needs
            ],
            "complete": self.complete,
        }

    def text(self) -> str:
        """Return it for a person."""
        missing = sum(need.state != "present" for need in self.needs)
        end = (
            "Every source file is there." if self.complete else f"{missing} source file(s) must be put there."
        )
        lines = [line for one in self.engines for line in one.lines()]
        return "\n".join([*lines, f"sounds: {', '.join(self.sounds)}", *map(str, self.needs), end])


def plan(
    specs: Path,
    lookaside: Lookaside,
    catalog: Catalog,
    chosen: Sequence[Series],
    sounds: Sequence[SoundSet],
) -> Plan:
    """Return what building the chosen series and sounds and the shared packages would make and need.

    Raises SwitchroomError (usage) for a series whose modules the spec cannot build.
    """
    engines = [Engine(series, contents(specs / "asterisk.spec", series)) for series in chosen]
    sources = [source for series in chosen for source in series.sources]
    named = {part for series in chosen for part in series.parts}
    sources += [source for part, source in catalog.part_sources.items() if part in named]
    sources += [one.source for one in sounds]
    unique = {source.place: source for source in sources}
    needs = [_need(lookaside, source) for source in unique.values()]
    return Plan(engines, [one.package for one in sounds], needs)


def _need(lookaside: Lookaside, source: Source) -> Need:
    place = lookaside.place(source)
    if not place.is_file():
        return Need(place, "missing", source)
    wanted = source.sha256 or lookaside.digest(place)
    return Need(place, "present" if lookaside.digest(place) == wanted else "damaged", source)
