"""What a campaign does: its trials, drawn from a seed, so that the same words give the same trials."""

from __future__ import annotations

import enum
import itertools
import random
from dataclasses import asdict, dataclass
from typing import Iterator, Mapping, Optional, Sequence


class Victim(str, enum.Enum):
    """What is killed."""

    TOOL = "tool"  # the worker that carries the switch out
    CLIENT = "client"  # the command that the admin typed, alone
    DNF = "dnf"  # the process that holds the RPM transaction
    BOX = "box"  # all processes of the box; what was written stays
    POWER = "power"  # the same, and everything that was not flushed to the disk is gone


class When(str, enum.Enum):
    """How an instant is chosen."""

    RECORD = "records"  # as soon as a record of that number is in the journal
    RANDOM = "random"  # after that share of the time that the whole run takes
    RPM = "rpm"  # after that share of what the RPM transaction writes


@dataclass(frozen=True)
class Trial:
    """One switch that is killed; ``at`` is a record's number, or a share between 0 and 1.

    ``again`` is how many seconds after the recovery began it is killed too, ``further`` whether another
    switch must work afterwards.
    """

    number: int
    route: str
    victim: Victim
    when: When
    at: float
    again: Optional[float]
    further: bool

    @property
    def title(self) -> str:
        """Return the trial in a few words."""
        place = f"record {self.at:.0f}" if self.when is When.RECORD else f"{self.when.value} {self.at:.3f}"
        second = "" if self.again is None else f", again after {self.again:.1f} s"
        return f"{self.route}: {self.victim.value} at {place}{second}"

    def as_dict(self) -> Mapping[str, object]:
        """Return the trial as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Choice:
    """What a campaign is asked for; ``count`` 0 means every record once a victim (only by records)."""

    count: int
    seed: int
    victims: Sequence[Victim]
    when: When
    routes: Sequence[str]


RPM_SHARE = 0.45  # of the random instants: so many are drawn inside the RPM transaction
AGAIN_SHARE = 0.2
FURTHER_SHARE = 0.25
AGAIN_SECONDS = 3.0
LATEST = 0.97  # a later share of the run would often find it ended

# Where the RPM transaction is the victim's own, or the admin's command has not handed over yet.
_KEPT_TO = {Victim.DNF: (When.RPM, 1.0), Victim.CLIENT: (When.RANDOM, 0.4)}


def draw(choice: Choice, records: Mapping[str, int]) -> Sequence[Trial]:
    """Return the trials; ``records`` tells how many records an undisturbed run of each route writes."""
    dice = random.Random(choice.seed)  # noqa: S311 -- a repeatable draw, not a secret
    places = _by_records(choice, records) if choice.when is When.RECORD else _by_chance(choice, dice)
    return [
        Trial(number, route, victim, when, at, _again(victim, dice), dice.random() < FURTHER_SHARE)
        for number, (route, victim, when, at) in enumerate(places, start=1)
    ]


_Place = tuple[str, Victim, When, float]


def _by_records(choice: Choice, records: Mapping[str, int]) -> Iterator[_Place]:
    """Go through every record of every route for every victim, and round again up to the count."""
    every: list[_Place] = [
        (route, victim, When.RECORD, float(number))
        for route in choice.routes
        for number in range(1, records[route] + 1)
        for victim in choice.victims
    ]
    return itertools.islice(itertools.cycle(every), choice.count or len(every))


def _by_chance(choice: Choice, dice: random.Random) -> Iterator[_Place]:
    victims, routes = itertools.cycle(choice.victims), itertools.cycle(choice.routes)
    for number in range(choice.count):
        inside = choice.when is When.RPM or (number * RPM_SHARE) % 1 < RPM_SHARE
        victim = next(victims)
        when, most = _KEPT_TO.get(victim, (When.RPM if inside else When.RANDOM, LATEST))
        yield next(routes), victim, when, round(dice.uniform(0, most), 4)


def _again(victim: Victim, dice: random.Random) -> Optional[float]:
    seconds = round(dice.uniform(0, AGAIN_SECONDS), 2)
    return seconds if dice.random() < AGAIN_SHARE and victim is not Victim.CLIENT else None
