"""The compatibility scan as a switch sees it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Iterable, Optional, Sequence, Tuple

from switchroom.box import packages, scan
from switchroom.box.engines import Engine
from switchroom.box.packages import Offer
from switchroom.box.paths import Paths
from switchroom.box.switch.preflight import Finding
from switchroom.catalog.model import Catalog
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import staging
from switchroom.core.progress import Reporter


def look(
    paths: Paths,
    catalog: Catalog,
    today: datetime.date,
    source: Engine,
    target: Engine,
    *,
    files: Sequence[Path] = (),
) -> Tuple[scan.Finding, ...]:
    """Return what the configuration uses that the target lacks or changed.

    ``files`` are the target's RPM files: while it is not installed, they say more than the catalog.
    """
    old = scan.Side(source.version, _inventory(paths, source))
    new = scan.Side(target.version, _inventory(paths, target, files))
    return scan.check(paths, catalog, old, new, on=today)


def look_ahead(
    paths: Paths,
    catalog: Catalog,
    today: datetime.date,
    source: Engine,
    offer: Offer,
    *,
    channel: Optional[str],
    reporter: Reporter,
) -> Tuple[scan.Finding, ...]:
    """Return the same, with the target's packages fetched for the time of the look if it is not installed."""
    if offer.installed:
        return look(paths, catalog, today, source, offer.engine)
    with staging(paths.state, ".check-") as scratch:
        wanted = packages.resolve(offer.engine, packages.extras_of(source), channel, reporter=reporter)
        kept = packages.fetch(wanted, scratch / "packages", reporter)
        return look(paths, catalog, today, source, offer.engine, files=[one.path for one in kept])


def as_findings(found: Iterable[scan.Finding]) -> Tuple[Finding, ...]:
    """Return the scan's findings as those of preflight."""
    return tuple(
        Finding(
            one.key,
            one.severity.value,
            f"{one.file}:{one.line}: {one.message}" if one.file else one.message,
            one.replacement,
            waivable=True,
            detail=one.as_dict(),
        )
        for one in found
    )


def _inventory(paths: Paths, engine: Engine, files: Sequence[Path] = ()) -> Optional[scan.Inventory]:
    """Return what an engine has, by its files, else by its packages; None while neither is there."""
    prefix = paths.from_box(str(engine.prefix))
    try:
        if prefix.is_dir():
            return scan.of_prefix(prefix)
        return scan.of_packages(files) if files else None
    except SwitchroomError:
        return None
