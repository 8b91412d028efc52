"""What Asterisk loses and changes from series to series, and whether a version is before or after it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

import jsonschema

from switchroom.catalog import source
from switchroom.catalog.convert import to_dataclass
from switchroom.catalog.schema import dotted
from switchroom.core.errors import ExitCode, SwitchroomError

SHIPPED = Path("/usr/share/switchroom/removals.yml")
PACKAGED = Path(__file__).resolve().parent / "data" / "removals.yml"
_PARTS = 3  # of an Asterisk release's number
SCHEMA = Path(__file__).resolve().parent / "data" / "removals.schema.json"


@dataclass(frozen=True)
class Removal:
    """One name that is gone from ``removed_in`` on, or never went (None) and is only deprecated.

    ``module`` is the module that read a configuration file; ``devices`` says that the file's sections
    are phones and trunks.
    """

    kind: str
    name: str
    references: Tuple[str, ...]
    removed_in: Optional[str] = None
    last_in: Optional[str] = None
    deprecated_in: Optional[str] = None
    absent_in: Optional[str] = None
    replacement: str = ""
    replacement_unverified: bool = False
    what: str = ""
    not_built_by_default_in: Tuple[str, ...] = ()
    note: str = ""
    module: str = ""
    devices: bool = False
    path: str = ""


@dataclass(frozen=True)
class Seen:
    """How a change shows in a box's configuration; every text but ``path`` and ``options`` is a pattern."""

    file: str = ""
    section: str = ""
    key: str = ""
    value: str = ""
    absent: bool = False
    inherited: bool = False
    path: str = ""
    application: str = ""
    function: str = ""
    variable: str = ""
    module: str = ""
    argument: int = 0
    options: str = ""
    assigned: str = ""
    unloaded: str = ""


@dataclass(frozen=True)
class Change:
    """One change of behaviour or of an option; ``since`` is its first version in each series that has it.

    ``both_ways`` says that going back across it matters as much.
    """

    name: str
    since: Tuple[str, ...]
    area: str
    severity: str
    change: str
    references: Tuple[str, ...]
    replacement: str = ""
    replacement_unverified: bool = False
    note: str = ""
    both_ways: bool = False
    seen: Tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Gap:
    """Names that the newest ``lower`` has, ``upper`` lacks because it ended early, and later series have."""

    lower: str
    upper: str
    references: Tuple[str, ...]
    application: Tuple[str, ...] = ()
    function: Tuple[str, ...] = ()
    action: Tuple[str, ...] = ()
    module: Tuple[str, ...] = ()

    def names(self, kind: str) -> Tuple[str, ...]:
        """Return the names of one kind."""
        return tuple(getattr(self, kind, ()))


@dataclass(frozen=True)
class UpgradeNote:
    """A note upstream wrote for those who upgrade, and the versions it came with."""

    title: str
    versions: Tuple[str, ...]


@dataclass(frozen=True)
class Removals:
    """All of it; ``removals`` is by kind (module, application, function, …) and then by name.

    ``codec_modules`` are modules that Asterisk's own source lacks, with the codecs each transcodes.
    """

    references: Mapping[str, str]
    unverified: Tuple[str, ...]
    notes: Tuple[str, ...]
    not_removed: Tuple[str, ...]
    removals: Mapping[str, Mapping[str, Removal]]
    backport_gaps: Tuple[Gap, ...]
    upgrade_notes: Tuple[UpgradeNote, ...]
    changes: Mapping[str, Change]
    codec_modules: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)


def load_removals(path: Optional[Path] = None) -> Removals:
    """Return the removals (``path``, else the RPM's file, else the packaged one); raises a usage error."""
    file = path or (SHIPPED if SHIPPED.is_file() else PACKAGED)
    data = source.read_document(file).data
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for error in jsonschema.Draft7Validator(schema).iter_errors(data):
        raise SwitchroomError(
            f"The data at '{dotted(list(error.absolute_path))}' is not allowed, in '{file}'.",
            cause=error.message,
            hint="Correct it there; docs/scan.md explains the entries.",
            code=ExitCode.USAGE,
        )
    return to_dataclass(Removals, _completed(data))


def has_change(version: str, since: Iterable[str]) -> bool:
    """Return whether a version is at or after a change that came to several series at once.

    ``since`` names the first version of each series that has it; later series have it from their start. A
    certified branch is judged by its own certified versions among them, else by the release it came from.
    """
    branch, have = _certified(version), numbers(version)
    ours = [numbers(one) for one in since if branch and _certified(one) == branch]
    if ours:
        return have >= min(ours)
    firsts = {first[0]: first for first in map(numbers, (one for one in since if not _certified(one)))}
    if have[0] in firsts:
        return have >= firsts[have[0]]
    return have[0] > max(firsts, default=have[0])


def numbers(version: str) -> Tuple[int, ...]:
    """Return a version as numbers to compare; 22.8cert4 comes after 22.8.0 and before 22.8.1."""
    release, _, certificate = version.replace("certified-", "").partition("cert")
    found = [int(number) for number in re.findall("[0-9]+", release)] or [0]
    padded = (*found, 0, 0)[: max(len(found), _PARTS)]
    return (*padded, *(int(number) for number in re.findall("[0-9]+", certificate)[:1]))


def _certified(version: str) -> str:
    """Return the branch of a certified version (22.8cert4, certified-22.8-cert4: 22.8), else nothing."""
    release, certified, _ = version.replace("certified-", "").partition("cert")
    return release.rstrip("-") if certified else ""


def _completed(data: Dict[str, Any]) -> Dict[str, Any]:
    removals = {
        kind: {name: {"kind": kind, "name": name, **entry} for name, entry in entries.items()}
        for kind, entries in data["removals"].items()
    }
    changes = {name: {"name": name, **entry} for name, entry in data["changes"].items()}
    return {**data, "removals": removals, "changes": changes}
