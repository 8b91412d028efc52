"""Until when the two sides are supported, by the catalog, on a day."""

from __future__ import annotations

import datetime
from typing import Iterator

from switchroom.box.scan.model import Finding, Severity, Side
from switchroom.catalog.advice import end_of_life_warnings
from switchroom.catalog.model import Catalog, Series, Status


def support(catalog: Catalog, source: Side, target: Side, on: datetime.date) -> Iterator[Finding]:
    """Yield what the catalog says of the target's and the source's support on a day."""
    series, before = target.series(catalog), source.series(catalog)
    if series is None:
        text = f"The catalog knows no series of Asterisk {target.version}: its support is not known."
        yield _finding(Severity.WARNING, "unknown-series", target.version, text)
        return
    yield from _target(series, on, moves=before is None or before.key != series.key)
    if before is not None and before.key != series.key and before.status(on) is Status.END_OF_LIFE:
        text = f"{before.label}, which runs now, reached its end of life on {before.end_of_life}."
        yield _finding(Severity.INFO, "end-of-life-now", before.key, text)


def _target(series: Series, on: datetime.date, moves: bool) -> Iterator[Finding]:
    status = series.status(on)
    if status is Status.END_OF_LIFE:
        text = f"{series.label} reached its end of life on {series.end_of_life}: its holes stay open."
        yield _finding(Severity.BLOCKING if moves else Severity.WARNING, "end-of-life", series.key, text)
    elif status in (Status.UNKNOWN, Status.UPCOMING):
        text = f"The support of {series.label} is {status.value} on {on}."
        yield _finding(Severity.WARNING, "support", series.key, text)
    for text in end_of_life_warnings([series], on):
        yield _finding(Severity.WARNING, "end-of-life-soon", series.key, text)


def _finding(severity: Severity, what: str, name: str, text: str) -> Finding:
    return Finding(f"{what}:{name}", severity, what, name, text)
