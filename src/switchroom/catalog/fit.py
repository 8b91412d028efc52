"""Which FreePBX, Asterisk, PHP, Node.js and EL go together, and why the others do not."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Iterable, Iterator, Mapping, Optional, Tuple, TypeVar

from switchroom.catalog.model import Accepted, Catalog, ElRelease, FreePBX, Runtime, Series, Status
from switchroom.catalog.versions import VersionRange, at_least, belongs_to
from switchroom.core.errors import ExitCode, SwitchroomError

T = TypeVar("T")


@dataclass(frozen=True)
class Combination:
    """What shall work together; what is not named is not judged.

    ``asterisk`` is a series or an exact version, ``freepbx`` and ``el`` are majors, ``framework`` is the
    version of FreePBX's framework module.
    """

    freepbx: Optional[str] = None
    asterisk: Optional[str] = None
    php: Optional[str] = None
    node: Optional[str] = None
    el: Optional[str] = None
    framework: Optional[str] = None


@dataclass(frozen=True)
class Finding:
    """One reason: a refusal, or a warning about something that works but is not supported or not proved."""

    refused: bool
    reason: str


@dataclass(frozen=True)
class Fit:
    """The verdict on a combination."""

    refusals: Tuple[str, ...]
    warnings: Tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.refusals


def check_fit(catalog: Catalog, wanted: Combination, on: datetime.date) -> Fit:
    """Judge a combination on a day; raises a usage error for a name the catalog does not know."""
    findings = tuple(_findings(catalog, wanted, on))
    return Fit(
        refusals=tuple(finding.reason for finding in findings if finding.refused),
        warnings=tuple(finding.reason for finding in findings if not finding.refused),
    )


def _findings(catalog: Catalog, wanted: Combination, on: datetime.date) -> Iterator[Finding]:
    freepbx = _known("FreePBX", catalog.freepbx, wanted.freepbx) if wanted.freepbx else None
    release = _known("EL", catalog.el, wanted.el) if wanted.el else None
    series = catalog.find(wanted.asterisk) if wanted.asterisk else None
    if series:
        yield from _support(series, on)
    if freepbx and series:
        yield from _freepbx_asterisk(freepbx, series, wanted.framework)
    if freepbx:
        yield from _freepbx_runtimes(freepbx, wanted)
    if release:
        yield from _el_runtimes(release, wanted, on)
    if freepbx and release:
        yield from _freepbx_el(freepbx, release, on)


def _known(kind: str, entries: Mapping[str, T], name: str) -> T:
    if name in entries:
        return entries[name]
    raise SwitchroomError(
        f"The catalog has no {kind} '{name}'.",
        hint=f"Known are {_join(entries)}.",
        code=ExitCode.USAGE,
    )


def _support(series: Series, on: datetime.date) -> Iterator[Finding]:
    status = series.status(on)
    if status is Status.END_OF_LIFE:
        yield Finding(False, f"{series.label} reached its end of life on {series.end_of_life}.")
    elif status is Status.UNKNOWN:
        yield Finding(False, f"{series.label} has no known end of life, so it is not offered by itself.")


def _freepbx_asterisk(freepbx: FreePBX, series: Series, framework: Optional[str]) -> Iterator[Finding]:
    key = series.made_from or series.key
    accepted = next((entry for entry in freepbx.asterisk if entry.series == key), None)
    if accepted is None:
        names = _join(entry.series for entry in freepbx.asterisk)
        yield Finding(True, f"FreePBX {freepbx.key} accepts Asterisk {names}; {key} is not among them.")
        return
    if accepted.framework:
        yield from _framework(freepbx, accepted, accepted.framework, framework)
    if not accepted.verified:
        yield Finding(False, f"FreePBX {freepbx.key} with Asterisk {key} is unverified. {accepted.note}")


def _framework(freepbx: FreePBX, accepted: Accepted, needed: str, have: Optional[str]) -> Iterator[Finding]:
    pair = f"FreePBX {freepbx.key} accepts Asterisk {accepted.series} only from framework {needed} on"
    if have is None:
        yield Finding(False, f"{pair}. {accepted.note}".rstrip())
    elif not at_least(have, needed):
        yield Finding(True, f"{pair}; this one is {have}.")


def _freepbx_runtimes(freepbx: FreePBX, wanted: Combination) -> Iterator[Finding]:
    for label, version, needed in (
        ("PHP", wanted.php, freepbx.php),
        ("Node.js", wanted.node, freepbx.node),
    ):
        if version and not needed.admits(version):
            yield Finding(True, f"FreePBX {freepbx.key} needs {label} {needed}, not {version}.")


def _el_runtimes(release: ElRelease, wanted: Combination, on: datetime.date) -> Iterator[Finding]:
    for label, version, streams in (
        ("PHP", wanted.php, release.php),
        ("Node.js", wanted.node, release.nodejs),
    ):
        if version:
            yield from _el_runtime(release, label, version, streams, on)


def _el_runtime(
    release: ElRelease, label: str, version: str, streams: Tuple[Runtime, ...], on: datetime.date
) -> Iterator[Finding]:
    stream = next((stream for stream in streams if belongs_to(version, stream.version)), None)
    if stream is None:
        yield Finding(True, f"EL {release.key} has no {label} {version}; it has {_versions(streams)}.")
    elif not stream.evidence.verified:
        yield Finding(False, f"{label} {version} on EL {release.key} is unverified. {stream.evidence.note}")
    elif stream.status(on) is Status.END_OF_LIFE:
        ended = (
            f"{label} {stream.version} on EL {release.key} reached its end of life on {stream.end_of_life}."
        )
        yield Finding(False, ended)


def _freepbx_el(freepbx: FreePBX, release: ElRelease, on: datetime.date) -> Iterator[Finding]:
    needs = f"FreePBX {freepbx.key} needs"
    yield from _needed(f"{needs} PHP {freepbx.php}", freepbx.php, release.key, release.php, on)
    yield from _needed(f"{needs} Node.js {freepbx.node}", freepbx.node, release.key, release.nodejs, on)
    made_for = f"FreePBX {freepbx.key}'s own installer is made for {freepbx.os}, not for EL {release.key}."
    yield Finding(False, made_for)


def _needed(
    need: str, needed: VersionRange, major: str, streams: Tuple[Runtime, ...], on: datetime.date
) -> Iterator[Finding]:
    fitting = [stream for stream in streams if needed.admits(stream.version)]
    if not fitting:
        yield Finding(True, f"{need}, which EL {major} does not have; it has {_versions(streams)}.")
    elif not any(stream.status(on).supported for stream in fitting):
        yield Finding(False, f"{need}; EL {major} has only {_versions(fitting)}, past its end of life.")


def _versions(streams: Iterable[Runtime]) -> str:
    return _join(stream.version for stream in streams)


def _join(names: Iterable[str]) -> str:
    *others, last = list(names) or ["none"]
    return f"{', '.join(others)} and {last}" if others else last
