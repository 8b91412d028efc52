"""What upstream has released that the catalog does not know yet, and for how long."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from switchroom.build.releases import Release, Upstream, order
from switchroom.catalog.model import Catalog, Series, SeriesType


@dataclass(frozen=True)
class Newer:
    """A series that upstream is ahead in: our release (None: a new series), its newest, and all between.

    ``security`` are those of them that resolve security advisories, ``notes`` the titles of their notes for
    upgrades, each with the release it came with.
    """

    series: str
    ours: Series | None
    newest: Release
    security: Sequence[Release]
    notes: Mapping[str, str]

    def lag(self, on: datetime.date) -> int:
        """Return for how many days boxes have lacked a security fix that upstream has; 0 for none."""
        return max(((on - release.date).days for release in self.security), default=0)

    def as_dict(self, on: datetime.date) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "series": self.series,
            "ours": self.ours.version if self.ours else None,
            "newest": self.newest.version,
            "released": self.newest.date.isoformat(),
            "security": [release.version for release in self.security],
            "lag_days": self.lag(on),
            "upgrade_notes": dict(self.notes),
        }

    def __str__(self) -> str:
        ours = self.ours.version if self.ours else "a new series"
        fixed = ", ".join(release.version for release in self.security)
        security = f"; security fixes since: {fixed}" if fixed else ""
        return f"{self.series}: {ours} -> {self.newest.version} of {self.newest.date}{security}"


def find(catalog: Catalog, upstream: Upstream, on: datetime.date) -> list[Newer]:
    """Return the series upstream is ahead in on a day: those that are not past their end, and new ones."""
    listed: dict[str, list[Release]] = {}
    for release in sorted(upstream.releases(), key=lambda one: one.order):
        listed.setdefault(release.series, []).append(release)
    found = [_newer(key, releases, catalog.series.get(key), upstream) for key, releases in listed.items()]
    return [one for one in found if one and _concerns(one, catalog, on)]


def _concerns(newer: Newer, catalog: Catalog, on: datetime.date) -> bool:
    if newer.ours:
        return newer.ours.end_of_life is None or newer.ours.end_of_life > on
    first = newer.newest.order
    same = [
        one for one in catalog.series.values() if (one.type is SeriesType.CERTIFIED) == newer.newest.certified
    ]
    return all(first > order(one.version) for one in same)


def _newer(key: str, releases: Sequence[Release], ours: Series | None, upstream: Upstream) -> Newer | None:
    ahead = [release for release in releases if not ours or release.order > order(ours.version)]
    if not ahead:
        return None
    logs = {release: upstream.change_log(release) for release in ahead}
    security = [release for release, log in logs.items() if log.advisories]
    notes = {title: release.source_version for release, log in logs.items() for title in log.upgrade_notes}
    return Newer(key, ours, ahead[-1], security if ours else [], notes if ours else {})
