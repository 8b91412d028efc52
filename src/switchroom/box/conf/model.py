"""What a configuration file holds, each thing with the file and line it stands in.

Files are named as the box names them. Bytes that are not UTF-8 are kept as Python's surrogate escapes.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Tuple


@dataclass(frozen=True)
class Entry:
    """One ``key = value`` line; ``operator`` is ``=``, ``=>`` or ``+=``."""

    file: str
    line: int
    section: str
    key: str
    value: str
    operator: str


@dataclass(frozen=True)
class Section:
    """One ``[name](…)`` header and the entries below it, those of files included there among them.

    ``template`` is ``(!)``, ``append`` is ``(+)``, ``parents`` are the templates it inherits from.
    """

    name: str
    file: str
    line: int
    template: bool = False
    append: bool = False
    parents: Tuple[str, ...] = ()
    entries: List[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class Inclusion:
    """One ``#include``, ``#tryinclude`` or ``#exec`` (``kind``); ``files`` are those that were read for it.

    An ``#exec`` is never run: what it would have printed is not known.
    """

    kind: str
    file: str
    line: int
    target: str
    files: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Oddity:
    """Something Asterisk would complain about.

    ``hides`` says that entries may have gone unread for it, ``refuses`` that Asterisk takes nothing of the
    whole file.
    """

    file: str
    line: int
    text: str
    hides: bool = False
    refuses: bool = False


@dataclass
class Configuration:
    """One configuration file with all it includes; ``files`` are those that were read, the first its own.

    ``cut`` says why not all of it was read, if it was not. Read first, then ask: what is asked is kept.
    """

    path: str
    sections: List[Section] = field(default_factory=list)
    inclusions: List[Inclusion] = field(default_factory=list)
    oddities: List[Oddity] = field(default_factory=list)
    files: List[str] = field(default_factory=list)
    cut: str = ""

    @property
    def refused(self) -> Optional[Oddity]:
        """Why Asterisk takes nothing of the file, if it does not."""
        return next((oddity for oddity in self.oddities if oddity.refuses), None)

    def entries(self) -> Iterator[Entry]:
        """Yield the entries of all sections, templates too, in their order."""
        for section in self.sections:
            yield from section.entries

    def named(self, name: str) -> Tuple[Section, ...]:
        """Return all sections of a name: a name may come more than once."""
        return tuple(self._by_name.get(name, ()))

    def names(self) -> Tuple[str, ...]:
        """Return the names of all sections that are no templates, each once."""
        return tuple(dict.fromkeys(section.name for section in self.sections if not section.template))

    def settings(self, name: str) -> Dict[str, str]:
        """Return what all sections of a name set, templates inherited: lower-case key to its last value."""
        return {key: "".join(parts) for key, parts in self._values.get(name, {}).items()}

    @functools.cached_property
    def _by_name(self) -> Dict[str, List[Section]]:
        found: Dict[str, List[Section]] = {}
        for section in self.sections:
            found.setdefault(section.name, []).append(section)
        return found

    @functools.cached_property
    def _values(self) -> Dict[str, Dict[str, List[str]]]:
        """What all sections set, each value in the parts that were added to it."""
        values: Dict[str, Dict[str, List[str]]] = {}
        for section in self.sections:
            mine = values.setdefault(section.name, {})
            for parent in section.parents:
                mine.update({key: [*parts] for key, parts in values.get(parent, {}).items()})
            for entry in section.entries:
                if entry.operator == "+=":
                    mine.setdefault(entry.key.lower(), []).append(entry.value)
                else:
                    mine[entry.key.lower()] = [entry.value]
        return values
