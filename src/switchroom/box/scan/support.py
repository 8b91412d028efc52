"""How the two sides are supported: until when, by the catalog, on a day, and which modules by upstream."""

from __future__ import annotations

import datetime
from typing import Iterator

from switchroom.box.scan.box import Box
from switchroom.box.scan.model import Finding, Severity, Side
from switchroom.catalog.advice import end_of_life_warnings
from switchroom.catalog.model import Catalog, Series, SeriesType, Status
from switchroom.catalog.modules import table_of


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


def uncertified(box: Box, catalog: Catalog, target: Side) -> Iterator[Finding]:
    """Yield what modules.conf loads and upstream does not certify, on the way to a certified branch."""
    series, inventory = target.series(catalog), target.inventory
    if series is None or series.type is not SeriesType.CERTIFIED or inventory is None:
        return
    off = {name for name, module in table_of(series.key).modules.items() if module.off}
    named = sorted(name for name in off & inventory.modules if box.loads(name))
    if named:
        names = ", ".join(named)
        text = f"{series.label} has {names}, loaded by modules.conf, but upstream does not certify it."
        yield _finding(Severity.INFO, "uncertified", "modules", text)


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
