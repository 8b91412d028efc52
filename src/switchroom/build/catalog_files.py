"""The catalog's data files, edited as a person would: what is not touched stays as it is written."""

from __future__ import annotations

import datetime
import io
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString as Quoted

from switchroom.build.asterisk_source import SoundKind, bundled, modules, sounds
from switchroom.build.newer import Newer
from switchroom.build.release_signatures import ReleaseKeys
from switchroom.build.releases import Release, Upstream, order
from switchroom.build.tarball import read_tree
from switchroom.build.upstream import UPSTREAM
from switchroom.catalog.model import SeriesType
from switchroom.catalog.modules import Module
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import sha256, write_atomic

_LIBRARIES = "https://raw.githubusercontent.com/asterisk/third-party/master"
_SUPPORT_YEARS = {SeriesType.LTS: (4, 5), SeriesType.STANDARD: (1, 2)}  # until security-only, until the end
_POLICY = "By upstream's policy for its kind; compare with the versions page."
_NOTES = "upgrade_notes:\n"


class DataFiles:
    """The catalog's data files in one folder, edited in place: what is not touched stays as it is written."""

    def __init__(self, folder: Path) -> None:
        self._catalog, self._modules = folder / "catalog.yml", folder / "modules.json"
        self._removals = folder / "removals.yml"
        self._yaml = YAML()
        self._yaml.preserve_quotes, self._yaml.width, self._yaml.explicit_start = True, 1 << 16, True
        self._yaml.indent(mapping=2, sequence=4, offset=2)
        self._yaml.representer.add_representer(
            type(None), lambda dumper, _none: dumper.represent_scalar("tag:yaml.org,2002:null", "null")
        )

    def write(self, found: Sequence[Newer], upstream: Upstream, on: datetime.date, keys: ReleaseKeys) -> None:
        """Write all that is newer, as of a day; nothing is changed where a source cannot be trusted."""
        data = self._yaml.load(self._catalog.read_text(encoding="utf-8"))
        table = json.loads(self._modules.read_text(encoding="utf-8"))
        for newer in found:
            facts = _facts(newer.newest, upstream, keys)
            _enter(data, newer, facts)
            _enter_modules(table, newer, facts)
            _enter_sounds(data["sounds"], facts.sounds)
        today = on.isoformat()
        data["revision"] = data.get("revision", 1) + 1 if data["as_of"] == today else 1
        data["as_of"] = Quoted(today)
        data["references"]["asterisk-releases"] = Quoted(f"{UPSTREAM} (the listing of {today}; change logs)")
        out = io.StringIO()
        self._yaml.dump(data, out)
        write_atomic(self._modules, modules_text(table).encode())
        write_atomic(self._removals, _with_notes(self._removals.read_text(encoding="utf-8"), found).encode())
        # Last, for by it the next call knows whether something is left to do.
        write_atomic(self._catalog, out.getvalue().encode())


@dataclass(frozen=True)
class _Facts:
    sha256: str
    bundled: Mapping[str, str]
    modules: Mapping[str, Module]
    sounds: Mapping[str, SoundKind]


def _facts(release: Release, upstream: Upstream, keys: ReleaseKeys) -> _Facts:
    """Read a release's tarball, checked by upstream's signature and the checksum that upstream states."""
    with tempfile.TemporaryDirectory(prefix="switchroom-") as name:
        path, stated = (
            upstream.fetch(release, Path(name), signed=bool(keys.armoured)),
            upstream.sha256(release),
        )
        keys.check(path)
        if (found := sha256(path)) != stated:
            raise SwitchroomError(
                f"'{release.tarball}' does not have the SHA-256 that upstream states.",
                cause=f"wanted {stated}\nfound  {found}",
                hint="Fetch it again; if it stays so, do not build from it.",
            )
        tree = read_tree(path, strip=1)
    return _Facts(stated, bundled(tree), modules(tree), sounds(tree))


def _enter(data: Any, newer: Newer, facts: _Facts) -> None:
    release, pjproject = newer.newest, facts.bundled["pjproject"]
    entry = data["series"].setdefault(newer.series, _new_series(release))
    entry["version"], entry["build"] = Quoted(release.version), 1
    entry["version_released"] = Quoted(release.date.isoformat())
    if release.certified:
        entry["source_version"] = Quoted(release.source_version)
    library = f"pjproject-{pjproject}.tar.bz2"
    folder = "certified-asterisk" if release.certified else "asterisk"
    entry["sources"] = [
        _source(release.tarball, f"{UPSTREAM}/{folder}/releases/{release.tarball}", facts.sha256),
        _source(library, f"{_LIBRARIES}/pjproject/{pjproject}/{library}", None),
    ]
    entry["bundled"]["pjproject"] = Quoted(pjproject)
    for fact in ("version", "sources", "bundled", "modules"):
        entry["evidence"][fact] = {"reference": "asterisk-releases"}
    overtaken = entry.get("unverified_newer")
    if overtaken and order(overtaken["version"]) <= release.order:
        del entry["unverified_newer"]


def _new_series(release: Release) -> dict[str, Any]:
    """Return the entry of a series we did not know: an even number is long-term support."""
    kind = SeriesType.LTS if release.order[0] % 2 == 0 else SeriesType.STANDARD
    dates: dict[str, Any] = {"released": Quoted(release.date.isoformat())}
    if release.certified:
        kind = SeriesType.CERTIFIED
        dates |= {"security_only": None, "end_of_life": None}
    else:
        security, end = (_years_after(release.date, years) for years in _SUPPORT_YEARS[kind])
        dates |= {"security_only": Quoted(security), "end_of_life": Quoted(end)}
    evidence = {"dates": {"reference": "asterisk-releases", "verified": False, "note": _POLICY}}
    return {
        "type": kind.value,
        "version": "",
        "build": 1,
        "version_released": "",
        **dates,
        "sources": [],
        "bundled": {},
        "enable": [],
        "disable": [],
        "evidence": evidence,
    }


def _years_after(day: datetime.date, years: int) -> str:
    return day.replace(year=day.year + years).isoformat()


def _source(name: str, url: str, digest: str | None) -> dict[str, Any]:
    return {"name": Quoted(name), "url": Quoted(url), "sha256": Quoted(digest) if digest else None}


def _enter_sounds(data: Any, found: Mapping[str, SoundKind]) -> None:
    """Enter newer prompts and music; single sets that were written out for an older version go."""
    for kind, new in found.items():
        if kind in data and order(data[kind]["version"]) >= order(new.version):
            continue
        data[kind] = {
            "version": Quoted(new.version),
            "languages": dict(new.languages),
            "formats": list(new.formats),
            "evidence": {"reference": "asterisk-releases"},
        }
        for key in [key for key in data if key.startswith(f"{kind}-")]:
            del data[key]


def _enter_modules(table: Any, newer: Newer, facts: _Facts) -> None:
    """Put a series' modules in place of what the table has of it."""
    table["releases"][newer.series] = newer.newest.source_version
    table["bundled"][newer.series] = dict(facts.bundled)
    for name in [*table["modules"]]:
        kept = [
            {**one, "in": [key for key in one["in"] if key != newer.series]} for one in table["modules"][name]
        ]
        table["modules"][name] = [one for one in kept if one["in"]]
    for module in facts.modules.values():
        _enter_module(table["modules"].setdefault(module.name, []), module, newer.series)
    for records in table["modules"].values():
        for record in records:
            record["in"].sort(key=lambda key: (key.startswith("certified-"), order(key)))
        records.sort(key=lambda record: [(key.startswith("certified-"), order(key)) for key in record["in"]])
    table["modules"] = {name: records for name, records in table["modules"].items() if records}


def _enter_module(records: list[dict[str, Any]], module: Module, series: str) -> None:
    facts: dict[str, Any] = {"support": module.support}
    facts |= {"off": True} if module.off else {}
    facts |= {"depends": list(module.depends)} if module.depends else {}
    for record in records:
        if {key: value for key, value in record.items() if key != "in"} == facts:
            record["in"].append(series)
            return
    records.append({"in": [series], **facts})


def modules_text(table: Any) -> str:
    """Return the module data as its file has it: a line a module, so that a change is a line of a diff."""
    bundles = ",\n".join(f"    {json.dumps(key)}: {json.dumps(one)}" for key, one in table["bundled"].items())
    rows = ",\n".join(
        f"    {json.dumps(key)}: {json.dumps(one)}" for key, one in sorted(table["modules"].items())
    )
    return (
        f'{{\n  "about": {json.dumps(table["about"])},\n  "releases": {json.dumps(table["releases"])},\n'
        f'  "bundled": {{\n{bundles}\n  }},\n  "modules": {{\n{rows}\n  }}\n}}\n'
    )


def _with_notes(text: str, found: Sequence[Newer]) -> str:
    """Return the removals with upstream's new notes for upgrades; one that is there gets the version."""
    for newer in found:
        for title, version in newer.notes.items():
            text = _with_note(text, json.dumps(title, ensure_ascii=False), json.dumps(version))
    return text


def _with_note(text: str, title: str, version: str) -> str:
    there = re.search(rf"^  - title: {re.escape(title)}\n    versions: \[(.*)\]$", text, re.MULTILINE)
    if there:
        versions = there[1] if version in there[1] else f"{there[1]}, {version}"
        return text[: there.start(1)] + versions + text[there.end(1) :]
    return text.replace(_NOTES, f"{_NOTES}  - title: {title}\n    versions: [{version}]\n", 1)
