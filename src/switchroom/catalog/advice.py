"""What a release engineer should look at: support that ends soon, releases nobody has verified."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Iterable, Iterator, Tuple

from switchroom.catalog.model import RUNTIME_NAMES, Catalog, ElRelease, Series, Status
from switchroom.catalog.status import ends_soon

_FRESH_DAYS = 30  # upstream releases about every six weeks, and security fixes between


@dataclass(frozen=True)
class Advice:
    """One remark and the place in the data file it is about."""

    place: str
    text: str


def advice(catalog: Catalog, on: datetime.date) -> Tuple[Advice, ...]:
    """Return what deserves attention on a day: end of life within 180 days, unverified facts in use."""
    found = list(_age(catalog, on))
    found += [remark for series in catalog.series.values() for remark in _series(series, on)]
    found += [remark for release in catalog.el.values() for remark in _el(release, on)]
    return tuple(found)


def _age(catalog: Catalog, on: datetime.date) -> Iterator[Advice]:
    days = (on - catalog.as_of).days
    if days > _FRESH_DAYS:
        text = f"The catalog is of {catalog.as_of}, {days} days ago: newer releases and series may exist."
        yield Advice("as_of", f"{text} 'switchroom catalog update --check' asks upstream.")


def end_of_life_warnings(chosen: Iterable[Series], on: datetime.date) -> Tuple[str, ...]:
    """Return one sentence for each series whose support ends within 180 days of a day."""
    return tuple(
        _end_of_life(series.label, series.end_of_life, on)
        for series in chosen
        if series.end_of_life and ends_soon(on, series.end_of_life)
    )


def _series(series: Series, on: datetime.date) -> Iterator[Advice]:
    place, status = f"series.{series.key}", series.status(on)
    if status is Status.UNKNOWN:
        yield Advice(place, f"{series.label} has no known end of life: offered only when asked for by name.")
    if not status.supported:
        return
    for warning in end_of_life_warnings([series], on):
        yield Advice(place, warning)
    newer = series.unverified_newer
    if newer and _numbers(newer.version) > _numbers(series.version):
        yield Advice(
            place,
            f"{series.label} is at {series.version}; a newer {newer.version} of {newer.released} is "
            f"reported but unverified.",
        )


def _numbers(version: str) -> Tuple[int, ...]:
    return tuple(int(number) for number in re.findall("[0-9]+", version))


def _el(release: ElRelease, on: datetime.date) -> Iterator[Advice]:
    for distribution in release.distributions.values():
        if ends_soon(on, distribution.end_of_life):
            text = _end_of_life(distribution.name, distribution.end_of_life, on)
            yield Advice(f"el.{release.key}.distributions.{distribution.key}", text)
    for kind, streams in release.runtimes.items():
        for stream in streams:
            name = f"{RUNTIME_NAMES[kind]} {stream.version} of EL {release.key}"
            if not stream.evidence.verified:
                yield Advice(f"el.{release.key}.{kind}", f"{name} is unverified. {stream.evidence.note}")
            elif ends_soon(on, stream.end_of_life):
                yield Advice(f"el.{release.key}.{kind}", _end_of_life(name, stream.end_of_life, on))


def _end_of_life(name: str, end_of_life: datetime.date, on: datetime.date) -> str:
    days = (end_of_life - on).days
    return f"{name} reaches its end of life on {end_of_life}, in {days} day{'s' if days > 1 else ''}."
