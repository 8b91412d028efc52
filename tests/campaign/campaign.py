"""Carries the trials of a campaign out, one after the other or some at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Mapping, Sequence

from campaign.instants import Rehearsal
from campaign.order import Trial
from campaign.report import Outcome
from campaign.scene import Scene
from campaign.trial import rehearse, run

Say = Callable[[str], None]


def rehearse_all(scene: Scene, routes: Sequence[str], evidence: Path, say: Say) -> Mapping[str, Rehearsal]:
    """Run each route once undisturbed and return what that looked like."""
    found = {name: rehearse(scene, name, evidence) for name in dict.fromkeys(routes)}
    for name, one in found.items():
        say(f"{name}: {len(one.records)} records, {one.seconds:.1f} s, rpm wrote {one.rpm_bytes >> 20} MiB")
    return found


def carry_out(
    trials: Sequence[Trial],
    scene: Scene,
    rehearsals: Mapping[str, Rehearsal],
    evidence: Path,
    *,
    say: Say,
    jobs: int = 1,
) -> Sequence[Outcome]:
    """Run trials, ``jobs`` at a time; evidence of those that fail is kept below ``evidence``."""

    def one(trial: Trial) -> Outcome:
        outcome = run(trial, scene, rehearsals[trial.route], evidence)
        say(f"{trial.number}/{len(trials)} {_line(outcome)}")
        return outcome

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, trials))


def _line(outcome: Outcome) -> str:
    where = f"after '{outcome.place}'" if outcome.hit else "found nothing to kill"
    rpm = ", inside rpm" if outcome.inside_rpm else ""
    bad = "".join(f"\n  {problem}" for problem in outcome.problems)
    verdict = f"FAILED, evidence: {outcome.evidence}{bad}" if bad else "whole"
    return f"{outcome.trial.title}: {where}{rpm}; {outcome.result}, {outcome.silent_ms} ms; {verdict}"
