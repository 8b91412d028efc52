"""The catalog in words: tables and fact sheets for a person."""

from __future__ import annotations

import datetime
from typing import Dict, Iterable, Iterator, List, Mapping, Sequence, Tuple

from switchroom.catalog.model import (
    RUNTIME_NAMES,
    Catalog,
    ElRelease,
    Evidence,
    FreePBX,
    Runtime,
    Series,
    SoundSet,
    Status,
)

Field = Tuple[str, str]

_OFFERED = {
    Status.FULL: "yes",
    Status.SECURITY_ONLY: "yes",
    Status.UNKNOWN: "by name",
    Status.FIXTURE: "lab only",
}


def offered(series: Series, on: datetime.date) -> str:
    """Return whether an installer offers a series: ``yes``, ``no``, ``by name`` or ``lab only``."""
    return _OFFERED.get(series.status(on), "no")


def series_table(chosen: Iterable[Series], on: datetime.date) -> str:
    """Return the table of ``catalog list``."""
    rows = [("SERIES", "TYPE", "NEWEST", "RELEASED", "STATUS", "SUPPORTED UNTIL", "OFFERED")]
    rows += [
        (
            series.key,
            series.type.value,
            series.version,
            _date(series.version_released),
            series.status(on).value,
            _date(series.end_of_life),
            offered(series, on),
        )
        for series in chosen
    ]
    return table(rows)


def sounds_table(sets: Iterable[SoundSet]) -> str:
    """Return the table of ``catalog sounds``: a row for each language of each kind."""
    formats: Dict[Tuple[str, ...], List[str]] = {}
    for one in sets:
        name = one.package[: -len(one.format)] + "FORMAT"
        formats.setdefault((one.kind, one.language, one.title, one.version, name), []).append(one.format)
    rows = [("KIND", "LANGUAGE", "IN WORDS", "VERSION", "PACKAGE", "FORMATS")]
    return table([*rows, *((*row, " ".join(found)) for row, found in formats.items())])


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns wide enough for their longest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def series_sheet(catalog: Catalog, series: Series, on: datetime.date) -> str:
    """Return everything the catalog knows about an Asterisk series."""
    return _sheet(
        series.label,
        [
            (
                "newest release",
                f"{series.version} of {_date(series.version_released)}, our build {series.build}",
            ),
            ("status", f"{series.status(on).value} on {on}; offered: {offered(series, on)}"),
            ("released", _date(series.released)),
            ("security only", _date(series.security_only)),
            ("end of life", _date(series.end_of_life)),
            ("packages", f"{series.meta} requires {series.engine}"),
            *[("source", f"{source.url or source.name}{_pin(source.sha256)}") for source in series.sources],
            ("bundled", _words(f"{name} {version}" for name, version in series.bundled.items())),
            ("modules on", _words(series.enable)),
            ("modules off", _words(series.disable)),
            ("accepted by", _words(_accepting(catalog, series))),
            *_evidence(catalog, series.evidence),
        ],
    )


def freepbx_sheet(catalog: Catalog, freepbx: FreePBX) -> str:
    """Return everything the catalog knows about a FreePBX major."""
    accepted = (
        f"{entry.series} from framework {entry.framework}" if entry.framework else entry.series
        for entry in freepbx.asterisk
    )
    return _sheet(
        f"FreePBX {freepbx.key}",
        [
            ("support", freepbx.support),
            ("Asterisk", _words(accepted)),
            ("PHP", str(freepbx.php)),
            ("Node.js", str(freepbx.node)),
            ("made for", freepbx.os),
            *_evidence(catalog, freepbx.evidence),
        ],
    )


def el_sheet(catalog: Catalog, release: ElRelease, on: datetime.date) -> str:
    """Return everything the catalog knows about an EL major."""
    distributions = [
        (entry.key, f"{entry.name}, {entry.status(on).value}, end of life {entry.end_of_life}")
        for entry in release.distributions.values()
    ]
    streams = [(RUNTIME_NAMES[kind], stream) for kind, known in release.runtimes.items() for stream in known]
    sources = {entry.evidence.reference for entry in release.distributions.values()}
    sources |= {stream.evidence.reference for _, stream in streams}
    described = [(name, _stream(stream, on)) for name, stream in streams]
    origins = [("source", catalog.references[reference]) for reference in sorted(sources)]
    return _sheet(f"EL {release.key}", [*distributions, *described, *origins])


def _stream(stream: Runtime, on: datetime.date) -> str:
    mark = "" if stream.evidence.verified else " (unverified)"
    status = stream.status(on).value
    return f"{stream.version}, {stream.form} {stream.name}, {status}, end of life {stream.end_of_life}{mark}"


def _sheet(title: str, fields: Iterable[Field]) -> str:
    shown: List[Field] = [field for field in fields if field[1]]
    width = max(len(name) for name, _ in shown)
    return "\n".join([title, *[f"  {name.ljust(width)}  {value}" for name, value in shown]])


def _evidence(catalog: Catalog, evidence: Mapping[str, Evidence]) -> Iterator[Field]:
    for fact, entry in evidence.items():
        mark = "" if entry.verified else " UNVERIFIED."
        note = f" {entry.note}" if entry.note else ""
        yield f"on {fact}", f"{catalog.references[entry.reference]}.{mark}{note}"


def _accepting(catalog: Catalog, series: Series) -> Iterator[str]:
    for freepbx in catalog.freepbx.values():
        if any(entry.series == series.key for entry in freepbx.asterisk):
            yield f"FreePBX {freepbx.key}"


def _pin(sha256: object) -> str:
    return "" if sha256 else " (checksum recorded at first sight)"


def _date(date: object) -> str:
    return str(date) if date else "not known"


def _words(words: Iterable[str]) -> str:
    return ", ".join(words)
