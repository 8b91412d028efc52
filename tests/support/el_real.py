"""What real Enterprise Linux systems say of themselves, see tests/data/el-real/README.md."""

from __future__ import annotations

import csv
import functools
import json
from pathlib import Path
from typing import Any, Dict, FrozenSet, List

DATA = Path(__file__).parents[1] / "data/el-real"
# Other names of units: an installed system shows them as enabled too.
_ALIASES = ("dbus-org.", "autovt@", "runlevel", "ctrl-alt-del", "dbus.service")


@functools.cache
def systems(major: str) -> Dict[str, Any]:
    """Return what systems of a major have in common."""
    told: Dict[str, Dict[str, Any]] = json.loads((DATA / "systems.json").read_text())
    return told[major]


def on(major: str) -> FrozenSet[str]:
    """Return the units that are on where their packages are installed."""
    told = systems(major)["services-enabled"]
    return frozenset(unit for unit in told["all"] + told["some"] if not unit.startswith(_ALIASES))


def units(major: str) -> FrozenSet[str]:
    """Return the units that systems of a major have, on or off."""
    off = systems(major)["services-disabled"]
    return on(major) | frozenset(off["all"] + off["some"])


@functools.cache
def packages(major: str, everywhere: bool = False) -> FrozenSet[str]:
    """Return the packages that are in a machine of a major, or ``everywhere``: in each of them."""
    return _listed(f"packages-el{major}.tsv", everywhere)


@functools.cache
def installer(major: str) -> FrozenSet[str]:
    """Return the packages that each installer of a major runs from; none where no installer was inspected."""
    name = f"installer-el{major}.tsv"
    return _listed(name, everywhere=True) if (DATA / name).is_file() else frozenset()


def rows(name: str) -> List[Dict[str, str]]:
    """Return the rows of a table whose first line names the columns."""
    lines = (line for line in (DATA / name).read_text().splitlines() if not line.startswith("#"))
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def _listed(name: str, everywhere: bool) -> FrozenSet[str]:
    lines = (DATA / name).read_text().splitlines()
    found = (line.split("\t") for line in lines if not line.startswith("#"))
    return frozenset(row[0] for row in found if not everywhere or row[1] == "all")
