"""Which engine an admin means: a series, an exact version, or an exact build."""

from __future__ import annotations

import re
from typing import Dict, Optional, Sequence, Tuple

from switchroom.box.engines import Engine
from switchroom.box.packages import Offer
from switchroom.core.errors import ExitCode, SwitchroomError

_SHOWN = 12  # engines named in an error message


def find(word: str, offers: Sequence[Offer]) -> Offer:
    """Return the newest offer that ``word`` names.

    ``word`` is a series (``22``, ``certified-22.8``), a version (``22.10.1``, ``22.8cert4``) or a build
    (``22.10.1-2``). Raises a usage error that lists what there is, newest first.
    """
    named = [offer for offer in newest_first(offers) if word in _names(offer)]
    if named:
        return named[0]
    known = ", ".join(f"'{offer.engine.name}'" for offer in newest_first(offers)[:_SHOWN])
    raise SwitchroomError(
        f"There is no Asterisk '{word}' that this box could switch to.",
        hint=f"Available, newest first: {known}." if known else "No repository offers an Asterisk engine.",
        code=ExitCode.USAGE,
    )


def names_exactly(word: Optional[str], offers: Sequence[Offer]) -> bool:
    """Return whether ``word`` is the version or the build of an offer, and not just a series."""
    return any(word in _names(offer)[1:] for offer in offers)


def newest_first(offers: Sequence[Offer]) -> Tuple[Offer, ...]:
    """Return offers from the newest version and build to the oldest."""
    return tuple(sorted(offers, key=lambda offer: age(offer.engine), reverse=True))


def by_series(offers: Sequence[Offer]) -> Dict[str, Tuple[Offer, ...]]:
    """Return the offers of each series, both newest first."""
    series = dict.fromkeys(offer.series for offer in newest_first(offers))
    return {key: tuple(offer for offer in newest_first(offers) if offer.series == key) for key in series}


def age(engine: Engine) -> Tuple[Tuple[int, ...], int]:
    """Return what engines are ordered by; a newer one is greater."""
    return tuple(int(number) for number in re.findall("[0-9]+", engine.version)), engine.build


def _names(offer: Offer) -> Tuple[str, ...]:
    return offer.series, offer.engine.version, offer.engine.name
