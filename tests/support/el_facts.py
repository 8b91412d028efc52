"""What the roles name of Enterprise Linux: packages, units and paths, and which public data knows each.

As a program it writes the table of what nothing knows into docs/collection.md:
    PYTHONPATH=tests python -m support.el_facts
"""

from __future__ import annotations

import functools
import re
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

import yaml

from support import el_real

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/data/el"
DOCUMENT = ROOT / "docs/collection.md"
MAJORS = ("9", "10")
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if (path / "meta").is_dir())

_BEGIN, _END = "<!-- unproved: made by tests/support/el_facts.py -->", "<!-- end of unproved -->"
_OURS = re.compile(r"switchroom(-release)?|asterisk.*")
_KINDS = {
    "path": re.compile(r"_paths?(_|$)"),
    "package": re.compile(r"_packages?(_|$)"),
    "unit": re.compile(r"_(services?|units?|timers?)(_|$)"),
}
_UNITS = "/usr/lib/systemd/system/"
_PATH = re.compile(r"/[^{}\s]*")


class Name(NamedTuple):
    """One name that a role uses on one major."""

    role: str
    kind: str
    name: str
    major: str


def variables(role: str, major: str) -> Dict[str, Any]:
    """Return the private variables of a role on a major."""
    file = ROOT / f"roles/{role}/vars/el{major}.yml"
    return (yaml.safe_load(file.read_text()) or {}) if file.exists() else {}


def names() -> List[Name]:
    """Return all names of all roles, without what this project's packages bring."""
    return sorted({name for role in ROLES for major in MAJORS for name in _of(role, major)})


def _of(role: str, major: str) -> Iterator[Name]:
    for key, value in variables(role, major).items():
        kind = next((kind for kind, pattern in _KINDS.items() if pattern.search(key)), "path")
        for text in strings(value):
            if kind == "path" and not _PATH.fullmatch(text):
                continue  # a size, a word, a template of other variables
            if "{{" not in text and not (kind == "package" and _OURS.fullmatch(text)):
                yield Name(role, kind, text, major)


def strings(value: Any) -> Iterator[str]:
    """Return all strings in lists and mappings, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


@functools.lru_cache
def places() -> Dict[str, Any]:
    """Return what is known of units and paths."""
    told: Dict[str, Any] = yaml.safe_load((DATA / "places.yml").read_text())
    return told


@functools.lru_cache
def listed(major: str) -> frozenset[str]:
    """Return the names of the packages that the gathered data of an EL major has."""
    lines = (DATA / f"el{major}.tsv").read_text().splitlines()
    return frozenset(line.split("\t")[0] for line in lines if not line.startswith("#"))


def proof(name: Name) -> Optional[str]:
    """Return what a name is proved by, None where nothing is."""
    if name.kind == "package":
        return "packages" if name.name in listed(name.major) else None
    if name.kind == "unit":
        made = any(word in name.name for word in places()["made"])
        return "made" if made else _known("units", [name.name], name.major)
    return _known("paths", _above(name.name), name.major)


def _above(path: str) -> Sequence[str]:
    """Return a path and those above it; of one that the role makes itself, all that may stand above."""
    parts = Path(path).parts
    made = next((n for n, part in enumerate(parts) if any(word in part for word in places()["made"])), None)
    standing = [f"{Path(*parts[:made])}/*"] if made else []
    return [path, *standing, *map(str, Path(path).parents)]


def _known(what: str, candidates: Sequence[str], major: str) -> Optional[str]:
    for candidate in candidates:
        entry = places()[what].get(candidate)
        if entry and major in entry["majors"]:
            return str(entry["source"])
        if candidate in seen(what, major):
            return "el-real"
    return None


@functools.lru_cache
def seen(what: str, major: str) -> frozenset[str]:
    """Return the ``units`` or ``paths`` of a major that real systems, spec files or SELinux's policy have."""
    labelled = {row["path"] for row in el_real.rows("labels.tsv") if major in row["majors"].split()}
    specified = el_real.rows("places-el9.tsv") if major == "9" else []
    if what == "units":
        units = {path.rpartition("/")[2] for path in labelled if path.startswith(_UNITS)}
        return units | {row["name"] for row in specified if row["kind"] == "unit"} | el_real.units(major)
    paths = {row["name"] for row in specified if row["kind"] == "path"}
    return frozenset(paths | {path for path in labelled if not path.startswith(_UNITS)})


def unproved() -> List[Name]:
    """Return the names that no data covers."""
    return [name for name in names() if proof(name) is None]


def table() -> str:
    """Return the table for the documentation."""
    rows: Dict[tuple[str, str, str], List[str]] = {}
    for name in unproved():
        rows.setdefault((name.kind, name.name, name.role), []).append(name.major)
    lines = ["| what | name | role | not covered on |", "| --- | --- | --- | --- |"]
    for (kind, text, role), majors in sorted(rows.items()):
        where = " and ".join(f"EL{major}" for major in sorted(majors, key=int))
        lines.append(f"| {kind} | `{text}` | `{role}` | {where} |")
    return "\n".join(lines)


def written() -> str:
    """Return the table that the documentation has."""
    return DOCUMENT.read_text().partition(_BEGIN)[2].partition(_END)[0].strip()


def main() -> int:
    """Write the table."""
    before, _, rest = DOCUMENT.read_text().partition(_BEGIN)
    after = rest.partition(_END)[2]
    DOCUMENT.write_text(f"{before}{_BEGIN}\n\n{table()}\n\n{_END}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
