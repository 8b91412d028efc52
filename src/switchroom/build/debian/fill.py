"""Filling the lookaside folder from a Debian suite: fetch, adapt, and tell the catalog what was there."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import yaml

from switchroom.build.debian import sounds
from switchroom.build.debian.adapt import MISSING_MODULES, Adapted, adapt
from switchroom.build.debian.apt import Suite, upstream_version
from switchroom.build.debian.origin import find_origin
from switchroom.build.lookaside import Lookaside
from switchroom.build.workspace import cache_dir
from switchroom.catalog.model import Catalog, Series
from switchroom.core import lock, process
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import staging, write_atomic
from switchroom.core.progress import Reporter

PACKAGE = "asterisk"
_RECORD = "debian.json"
_WAIT_SECONDS = 1800.0


@dataclass(frozen=True)
class Filled:
    """What lies in the lookaside folder now: the suite, its Asterisk package, and each file's SHA-256.

    ``sounds`` maps each set of the catalog to its version, ``parts`` each part of an engine to its file.
    """

    suite: str
    series: str
    version: str
    debian_version: str
    pjproject: str
    sounds: Mapping[str, str]
    parts: Mapping[str, str]
    files: Mapping[str, str]

    @property
    def origin(self) -> str:
        """The folder of the files in the lookaside folder, and the catalog's reference to them."""
        return f"debian-{self.suite}"

    def as_dict(self) -> Dict[str, Any]:
        """Return the record as it is kept beside the files."""
        return {
            name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(self).items()
        }


def fill(lookaside: Lookaside, suite: str, catalog: Catalog, refresh: bool, reporter: Reporter) -> Filled:
    """Make the suite's Asterisk, pjproject and sounds lie in the folder, with the catalog overlay for them.

    What is there stays, unless ``refresh`` asks the suite again. Raises SwitchroomError naming the fallback
    when the suite cannot be reached, offers no Asterisk, or one of a series the catalog does not know.
    """
    with lock.exclusive(lookaside.folder / ".lock", what=f"'{lookaside.folder}'", wait=_WAIT_SECONDS):
        filled = None if refresh else _already_filled(lookaside, suite)
        return filled or _fetch(lookaside, suite, catalog, reporter)


def _already_filled(lookaside: Lookaside, suite: str) -> Optional[Filled]:
    """Return what an earlier call fetched from this suite, if every file is still there unchanged."""
    try:
        record = Filled(**json.loads((lookaside.folder / _RECORD).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    folder = lookaside.folder / record.origin
    paths = {folder / name: digest for name, digest in record.files.items()}
    whole = all(path.exists() and lookaside.digest(path) == digest for path, digest in paths.items())
    return record if whole and record.suite == suite and lookaside.overlay.exists() else None


def _fetch(lookaside: Lookaside, suite_name: str, catalog: Catalog, reporter: Reporter) -> Filled:
    process.require("apt-get", "apt-cache", "dpkg-deb")
    suite = Suite(suite_name, find_origin(), cache_dir("apt", suite_name))
    try:
        return _fill(lookaside, suite, catalog, reporter)
    except SwitchroomError as error:
        error.hint = f"{error.hint + ' ' if error.hint else ''}{_fallback(lookaside)}"
        raise


def _fill(lookaside: Lookaside, suite: Suite, catalog: Catalog, reporter: Reporter) -> Filled:
    with reporter.step(f"Reading the package lists of the Debian suite '{suite.name}'"):
        suite.update()
    debian_version, series = _offer(suite, catalog)
    with staging(lookaside.folder) as scratch:
        made = scratch / "made"
        made.mkdir()
        adapted = _asterisk(suite, debian_version, scratch, made, reporter)
        sound_versions = _sounds(suite, scratch, made, reporter)
        files = {path.name: lookaside.digest(path) for path in sorted(made.iterdir())}
        versions = (adapted.version, debian_version, adapted.pjproject_version)
        parts = {part: path.name for part, path in adapted.parts.items()}
        filled = Filled(suite.name, series.key, *versions, sound_versions, parts, files)
        _land(lookaside, made, filled, overlay_text(filled, series))
    return filled


def _offer(suite: Suite, catalog: Catalog) -> Tuple[str, Series]:
    """Return the version the suite offers, as Debian writes it, and the catalog's series it belongs to."""
    version = suite.source_version(PACKAGE)
    if version is None:
        raise SwitchroomError(f"The Debian suite '{suite.name}' offers no source package '{PACKAGE}'.")
    key = upstream_version(version).split(".")[0]
    if key not in catalog.series:
        raise SwitchroomError(
            f"The Debian suite '{suite.name}' offers Asterisk {upstream_version(version)}, of a series"
            f" '{key}' that the catalog does not know.",
            hint=f"Add the series '{key}' to the catalog.",
        )
    return version, catalog.series[key]


def _asterisk(suite: Suite, version: str, scratch: Path, made: Path, reporter: Reporter) -> Adapted:
    with reporter.step(f"Fetching Asterisk {upstream_version(version)}") as step:
        suite.download_source(PACKAGE, version, scratch)
        step.note("signatures and checksums verified by apt")
    with reporter.step("Adapting it to upstream's shape"):
        return adapt(scratch, made)


def _sounds(suite: Suite, scratch: Path, made: Path, reporter: Reporter) -> Dict[str, str]:
    with reporter.step("Fetching prompts and music on hold"):
        return {one.key: sounds.fetch(one, suite, scratch, made) for one in sounds.SOUND_SETS}


def _land(lookaside: Lookaside, made: Path, filled: Filled, overlay: str) -> None:
    """Move the files into their folder; the record comes last, so that an interrupted call is done again."""
    folder = lookaside.folder / filled.origin
    folder.mkdir(exist_ok=True)
    for name in filled.files:
        os.replace(made / name, folder / name)
    write_atomic(lookaside.overlay, overlay.encode())
    write_atomic(lookaside.folder / _RECORD, (json.dumps(filled.as_dict(), indent=2) + "\n").encode())


def overlay_text(filled: Filled, series: Series) -> str:
    """Return the catalog overlay that makes ``series`` what was fetched, with its provenance."""
    evidence = {"reference": filled.origin, "verified": True, "note": ""}
    entry: Dict[str, Any] = {
        "version": filled.version,
        "sources": [
            _source(filled, name)
            for name in (f"asterisk-{filled.version}.tar.gz", f"pjproject-{filled.pjproject}.tar.bz2")
        ],
        "bundled": {"pjproject": filled.pjproject},
        "disable": sorted({*series.disable, *MISSING_MODULES}),
        "evidence": {fact: dict(evidence) for fact in ("version", "sources", "bundled")},
    }
    if filled.version != series.version:
        entry |= {"build": 1, "version_released": None}
    origin = (
        f"Debian suite '{filled.suite}', source package {PACKAGE} {filled.debian_version}, verified by apt"
    )
    sound_sets = {
        key: {
            "version": version,
            "source": _source(filled, f"asterisk-{key}-{version}.tar.gz"),
            "evidence": dict(evidence),
        }
        for key, version in filled.sounds.items()
    }
    overlay = {
        "references": {filled.origin: origin},
        "series": {filled.series: entry},
        "sounds": sound_sets,
        "part_sources": {part: _source(filled, name) for part, name in filled.parts.items()},
    }
    return "# Written by: switchroom build sources --from debian\n" + yaml.safe_dump(overlay, sort_keys=False)


def _source(filled: Filled, name: str) -> Dict[str, Any]:
    return {"name": name, "url": None, "sha256": filled.files[name], "origin": filled.origin}


def _fallback(lookaside: Lookaside) -> str:
    return f"Without Debian: put upstream's tarballs (asterisk-VERSION.tar.gz, …) in '{lookaside.folder}'."


def requested(series: Sequence[str], filled: Filled, catalog: Catalog) -> None:
    """Raise a usage error for a series asked for by name that the suite does not have."""
    for name in series:
        wanted = catalog.find(name)
        if filled.series not in (wanted.key, wanted.made_from):
            raise SwitchroomError(
                f"The Debian suite '{filled.suite}' offers Asterisk {filled.version}, not series '{name}'.",
                hint="Leave '--from debian' out to fetch that series from upstream.",
                code=ExitCode.USAGE,
            )
