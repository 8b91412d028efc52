"""Carries the trials of a campaign out, one after the other or some at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Sequence

from lab.campaign.order import Choice, Trial, draw
from lab.campaign.report import Outcome
from lab.campaign.scene import Scene
from lab.campaign.trial import rehearse, run

Say = Callable[[str], None]


def carry_out(
    choice: Choice, scene: Scene, evidence: Path, jobs: int, say: Say
) -> tuple[Sequence[Outcome], float]:
    """Measure each route once, then run the trials; return their outcomes and the seconds it all took."""
    start = time.monotonic()
    rehearsals = {name: rehearse(scene, scene.routes[name], f"rehearsal-{name}") for name in choice.routes}
    for name, found in rehearsals.items():
        rpm = f"{found.rpm_seconds:.2f} s of them inside rpm"
        say(f"{name}: {len(found.records)} records, {found.seconds:.1f} s, {rpm}")
    trials = draw(choice, {name: len(found.records) for name, found in rehearsals.items()})

    def one(trial: Trial) -> Outcome:
        outcome = run(trial, scene, rehearsals[trial.route], evidence)
        say(f"{trial.number}/{len(trials)} {_line(outcome)}")
        return outcome

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, trials)), time.monotonic() - start


def _line(outcome: Outcome) -> str:
    where = f"after '{outcome.place}'" if outcome.hit else "found nothing to kill"
    rpm = ", inside rpm" if outcome.inside_rpm else ""
    bad = "".join(f"\n  {problem}" for problem in outcome.problems)
    verdict = f"FAILED, evidence: {outcome.evidence}{bad}" if bad else "whole"
    return f"{outcome.trial.title}: {where}{rpm}; {outcome.result}, {outcome.silent_ms} ms; {verdict}"
