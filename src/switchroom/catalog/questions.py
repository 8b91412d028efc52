"""What a playbook asks the catalog, answered as plain data."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from switchroom.catalog import sounds
from switchroom.catalog.convert import to_plain
from switchroom.catalog.fit import Combination, check_fit
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import RUNTIME_NAMES, Catalog, Runtime, Series, SeriesType
from switchroom.catalog.versions import VersionRange, parts
from switchroom.core.errors import ExitCode, SwitchroomError

_SERIES = re.compile(r"\d+|certified-\d+\.\d+")
_BUILD = re.compile(r"(?P<version>\d[^-]*)-(?P<build>\d+)")
_VERSION = re.compile(r"\d+\.\d+\.\d+|\d+\.\d+cert\d+")


@dataclass(frozen=True)
class Book:
    """The catalog, read as of one day."""

    catalog: Catalog
    on: datetime.date

    def asterisk(self, version: str = "") -> Dict[str, Any]:
        """Return what a version means; the newest supported LTS series where it is empty.

        Raises a usage error for what is no version, and for a series that the catalog does not know.
        """
        version = version or self._newest_lts().key
        key, package = _series_key(version), _package(version)
        series = self.catalog.series.get(key)
        if _SERIES.fullmatch(version):
            series = self.catalog.find(version)
            package = series.meta
        return {
            "version": version,
            "series": key,
            "package": package,
            "known": series is not None,
            "supported": series is not None and series.status(self.on).supported,
            "end_of_life": to_plain(series.end_of_life) if series else None,
            "label": series.label if series else f"Asterisk {key}",
        }

    def runtime(
        self, kind: Optional[str], el: Optional[str], freepbx: Optional[str], version: str = ""
    ) -> Dict[str, Any]:
        """Return the stream of that version; without one the newest supported that fits, else the newest.

        Raises a usage error where nothing fits, or a name is unknown.
        """
        if kind not in RUNTIME_NAMES or el is None or el not in self.catalog.el:
            raise SwitchroomError(
                f"The catalog has no runtime '{kind}' of EL '{el}'.",
                hint=f"Ask for one of {', '.join(RUNTIME_NAMES)} on EL {', '.join(self.catalog.el)}.",
                code=ExitCode.USAGE,
            )
        streams = self.catalog.el[el].runtimes[kind]
        fitting = self._fitting(kind, el, freepbx, streams)
        if version and version not in fitting:
            needs = f"FreePBX {freepbx} needs {RUNTIME_NAMES[kind]} {self._needed(kind, freepbx)}"
            raise _no_such(RUNTIME_NAMES[kind], version, el, streams, needs)
        chosen = fitting[version] if version else max(fitting.values(), key=self._worth)
        return {**to_plain(chosen), "supported": chosen.status(self.on).supported}

    def _fitting(
        self, kind: str, el: str, freepbx: Optional[str], streams: Sequence[Runtime]
    ) -> Dict[str, Runtime]:
        needed = self._needed(kind, freepbx)
        fitting = {stream.version: stream for stream in streams if needed.admits(stream.version)}
        if not fitting:
            raise SwitchroomError(
                f"FreePBX {freepbx} needs {RUNTIME_NAMES[kind]} {needed}, which EL {el} does not have.",
                hint=f"It has {_versions(streams)}. Choose another FreePBX or another EL.",
                code=ExitCode.REFUSED,
            )
        return fitting

    def fit(self, **wanted: Optional[str]) -> Dict[str, Any]:
        """Return whether a combination fits, with refusals and warnings."""
        fit = check_fit(self.catalog, Combination(**wanted), self.on)
        return {"fits": fit.fits, "refusals": list(fit.refusals), "warnings": list(fit.warnings)}

    def sounds(self, packages: Sequence[str] = ()) -> Dict[str, Any]:
        """Return what is in each of upstream's packages of prompts and music, by the package's name.

        Raises a usage error where ``packages`` has a name of that kind that is none of them.
        """
        sounds.checked(self.catalog.sounds, packages)
        return {
            one.package: {"kind": one.kind, "language": one.language, "format": one.format}
            for one in self.catalog.sounds.values()
        }

    def _newest_lts(self) -> Series:
        offered = [one for one in self.catalog.offered(self.on) if one.type is SeriesType.LTS]
        if not offered:
            raise SwitchroomError(
                f"The catalog of {self.catalog.as_of} knows no LTS series that is supported on {self.on}.",
                hint="Update the collection, or name a version.",
                code=ExitCode.REFUSED,
            )
        return offered[-1]

    def _needed(self, kind: str, freepbx: Optional[str]) -> VersionRange:
        if freepbx is None or kind == "mariadb":
            return VersionRange()
        if freepbx not in self.catalog.freepbx:
            raise SwitchroomError(
                f"The catalog has no FreePBX '{freepbx}'.",
                hint=f"Known are {', '.join(self.catalog.freepbx)}.",
                code=ExitCode.USAGE,
            )
        known = self.catalog.freepbx[freepbx]
        return known.php if kind == "php" else known.node

    def _worth(self, stream: Runtime) -> Any:
        return stream.status(self.on).supported, stream.evidence.verified, parts(stream.version)


def open_book(on: Optional[str] = None, overlays: Sequence[str] = ()) -> Book:
    """Return the catalog with overlays, as of a day (YYYY-MM-DD, by default today)."""
    try:
        day = datetime.date.fromisoformat(on) if on else datetime.datetime.now(datetime.timezone.utc).date()
    except ValueError as error:
        raise SwitchroomError(f"'{on}' is not a date like 2026-11-22.", code=ExitCode.USAGE) from error
    return Book(load_catalog(overlays=[Path(one) for one in overlays]), day)


def _series_key(version: str) -> str:
    if _SERIES.fullmatch(version):
        return version
    build = _BUILD.fullmatch(version)
    exact = build["version"] if build else version
    if not _VERSION.fullmatch(exact):
        raise SwitchroomError(
            f"'{version}' is no Asterisk version.",
            hint="Write a series (22, certified-22.8), version (22.10.1, 22.8cert4) or build (22.10.1-2).",
            code=ExitCode.USAGE,
        )
    branch, certified, _ = exact.partition("cert")
    return f"certified-{branch}" if certified else exact.split(".", maxsplit=1)[0]


def _versions(streams: Sequence[Runtime]) -> str:
    return ", ".join(stream.version for stream in streams)


def _no_such(label: str, version: str, el: str, streams: Sequence[Runtime], needs: str) -> SwitchroomError:
    hint = f"EL {el} has {_versions(streams)}."
    if version in (stream.version for stream in streams):
        return SwitchroomError(f"{needs}, not {version}.", hint=hint, code=ExitCode.REFUSED)
    return SwitchroomError(f"EL {el} has no {label} '{version}'.", hint=hint, code=ExitCode.USAGE)


def _package(version: str) -> str:
    """Return what dnf installs for an exact version or build."""
    build = _BUILD.fullmatch(version)
    return f"asterisk{build['version']}_{build['build']}" if build else f"switchroom-asterisk = {version}"
