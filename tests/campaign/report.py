"""What a campaign says in the end: a table of victims and places, the worst times, the failures."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Mapping, Sequence

from campaign.order import Trial, Victim


@dataclass(frozen=True)
class Outcome:
    """How one trial ended.

    ``place`` is where the switch was when it was killed, ``hit`` whether anything was there to kill,
    ``inside_rpm`` whether the RPM transaction was proved to run at that moment. ``silent_ms`` is the longest
    time after the last kill that phones found nobody, 0 where dial tone never went away. ``problems`` are
    the sentences of the verdict, ``evidence`` a folder.
    """

    trial: Trial
    place: str
    hit: bool
    inside_rpm: bool
    second_hit: bool
    result: str
    silent_ms: int
    problems: Sequence[str]
    evidence: str = ""

    def as_dict(self) -> Mapping[str, object]:
        """Return the outcome as plain data."""
        return asdict(self)


def as_json(outcomes: Sequence[Outcome], seed: int, seconds: float) -> Mapping[str, object]:
    """Return the whole report as plain data."""
    return {
        "seed": seed,
        "seconds": round(seconds, 1),
        **totals(outcomes),
        "trials": [outcome.as_dict() for outcome in outcomes],
    }


def totals(outcomes: Sequence[Outcome]) -> Mapping[str, object]:
    """Return the figures of a campaign; a trial that found nothing to kill is no trial."""
    hits = [outcome for outcome in outcomes if outcome.hit]
    return {
        "trials_run": len(outcomes),
        "kills": len(hits),
        "inside_rpm": sum(outcome.inside_rpm for outcome in hits),
        "power_cuts": sum(outcome.trial.victim is Victim.POWER for outcome in hits),
        "second_kills": sum(outcome.second_hit for outcome in hits),
        "further_switches": sum(outcome.trial.further for outcome in hits),
        "results": _results(hits),
        "failed": [outcome.trial.number for outcome in outcomes if outcome.problems],
        "worst_silent_ms": _worst(outcomes, rolled_back=False),
        "worst_silent_ms_rolled_back": _worst(outcomes, rolled_back=True),
    }


def as_text(outcomes: Sequence[Outcome], seed: int, seconds: float) -> str:
    """Return the report for a person."""
    figures = totals(outcomes)
    lines = [
        f"{figures['kills']} kills in {len(outcomes)} trials, seed {seed}, {seconds / 60:.0f} min: "
        f"{figures['inside_rpm']} proved inside the RPM transaction, {figures['power_cuts']} power cuts, "
        f"{figures['second_kills']} killed again while recovering, "
        f"{figures['further_switches']} with a further switch",
        "",
        *_table(outcomes),
        "",
        f"ended as: {_counts(_results(outcomes))}",
        f"longest silence after the kill, in ms: {_counts(_worst(outcomes, rolled_back=False))}",
        f"the same where a bad engine was rolled back: {_counts(_worst(outcomes, rolled_back=True))}",
        *_failures(outcomes),
    ]
    return "\n".join(lines)


def _table(outcomes: Sequence[Outcome]) -> Sequence[str]:
    """Return a row a place and a column a victim."""
    counts = Counter((outcome.place, outcome.trial.victim) for outcome in outcomes if outcome.hit)
    victims = [victim for victim in Victim if any(column is victim for _, column in counts)]
    places = list(dict.fromkeys(outcome.place for outcome in outcomes if outcome.hit))
    width = max([len("killed after"), *map(len, places)])
    head = f"{'killed after':{width}}" + "".join(f"{victim.value:>8}" for victim in victims)
    rows = [
        f"{place:{width}}" + "".join(f"{counts[place, victim] or '-':>8}" for victim in victims)
        for place in sorted(places)
    ]
    return [head, *rows]


def _results(outcomes: Sequence[Outcome]) -> Mapping[str, int]:
    return Counter(outcome.result for outcome in outcomes if outcome.hit)


def _worst(outcomes: Sequence[Outcome], *, rolled_back: bool) -> Mapping[str, int]:
    """Return the longest silence by victim; a roll-back includes the time the bad engine was given."""
    worst: dict[str, int] = {}
    for outcome in outcomes:
        if outcome.hit and rolled_back == (outcome.result == "rolled-back"):
            name = outcome.trial.victim.value
            worst[name] = max(worst.get(name, 0), outcome.silent_ms)
    return worst


def _counts(pairs: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in pairs.items()) or "nothing"


def _failures(outcomes: Sequence[Outcome]) -> Sequence[str]:
    bad = [outcome for outcome in outcomes if outcome.problems]
    lines = [f"{len(bad)} failed" if bad else "every box came back whole, with dial tone"]
    for outcome in bad:
        lines += [f"FAILED {outcome.trial.number} {outcome.trial.title} ({outcome.place})"]
        lines += [f"  {problem}" for problem in outcome.problems]
        lines += [f"  evidence: {outcome.evidence}"]
    return lines
