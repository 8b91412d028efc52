"""One trial: a fresh box, a switch that is killed, and what came back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Iterator, Sequence

from campaign.evidence import keep
from campaign.instants import Rehearsal, kill, measure, settle
from campaign.order import Trial, Victim
from campaign.report import Outcome
from campaign.scene import CODE, MANNERS, SIP_PORT, Route, Scene, begin
from campaign.sight import Sight, look
from campaign.strike import Kill
from campaign.truth import NOT_BEGUN, check, check_code, result
from campaign.verdict import Engines, judge
from campaign.watch import BEFORE, Watch
from lab.boxes import Box
from switchroom.box.sip import Probe
from switchroom.core.errors import SwitchroomError

_SETTLE_SECONDS = 120.0
_FURTHER_SECONDS = 180.0
_MOST_MS = 20000  # a boot and a start on a busy machine, not a time limit that somebody waits for


def rehearse(scene: Scene, name: str, evidence: Path) -> Rehearsal:
    """Run a switch that nobody kills, and measure it; raises SwitchroomError when it does not end well."""
    route = scene.routes[name]
    with scene.box(f"rehearsal-{name}") as box:
        begin(box, *route.words)
        rehearsal = measure(Watch(box))
        sight = look(box)
        problems = [*judge(box, sight, Engines(scene.old, route.engine, route.logs)), *check(sight)]
        selected = route.engine if route.kept else scene.old
        if sight.selected != selected or not rehearsal.records or not rehearsal.rpm_bytes:
            problems += [f"'{sight.selected}' is selected, not '{selected}'; it ended as '{result(sight)}'."]
        if problems:
            folder = keep(box, evidence / f"rehearsal-{name}", {"route": name}, sight, problems)
            message = f"Even undisturbed, the switch to '{route.engine}' went wrong."
            raise SwitchroomError(message, cause="\n".join(problems), hint=f"Evidence: {folder}")
    return rehearsal


def run(trial: Trial, scene: Scene, rehearsal: Rehearsal, evidence: Path) -> Outcome:
    """Carry out one trial; whatever goes wrong on its box is one of the outcome's problems."""
    route = scene.routes[trial.route]
    with scene.box(f"trial-{trial.number}") as box:
        watch = Watch(box)
        with Probe(box.address, SIP_PORT) as probe:
            begun = time.monotonic()
            begin(box, *route.words)
            kills = kill(trial, box, watch, rehearsal, begun)
            problems = [*settle(box, watch, _SETTLE_SECONDS)]
        sight = look(box)
        problems += [*judge(box, sight, Engines(scene.old, route.engine, route.logs)), *check(sight)]
        problems += [*_ended(route, result(sight)), *_told(trial, box, sight, kills[0])]
        silent = _silent_ms(probe, kills[-1].time)
        if route.kept and silent > _MOST_MS:
            problems += [f"Phones found nobody for {silent} ms."]
        if trial.further:
            problems += _further(box, scene.old if sight.selected != scene.old else scene.good)
        folder = ""
        if problems:
            folder = keep(box, evidence / str(trial.number), trial.as_dict(), sight, problems)
    return Outcome(
        trial=trial,
        place=kills[0].place,
        hit=kills[0].hit,
        inside_rpm=kills[0].inside_rpm,
        second_hit=len(kills) > 1,
        result=result(sight),
        silent_ms=silent,
        problems=problems,
        evidence=folder,
    )


def _ended(route: Route, end: str) -> Iterator[str]:
    if end == "attention" or (end == "kept" and not route.kept):
        yield f"The switch to '{route.engine}' ended as '{end}'."


def _told(trial: Trial, box: Box, sight: Sight, first: Kill) -> Iterator[str]:
    """Give what is wrong with what the admin is told of the end."""
    if first.hit and first.place != BEFORE and result(sight) == NOT_BEGUN:
        yield f"The switch was at '{first.place}', and no journal of it is left."
    if trial.victim in (Victim.TOOL, Victim.DNF):
        code = box.root / CODE.lstrip("/")
        yield from check_code(sight, code.read_text() if code.exists() else "nothing")


def _further(box: Box, engine: str) -> Sequence[str]:
    """Switch once more, as the admin would on the day after."""
    words = ["switchroom", "switch", engine, *MANNERS]
    done = box.run(*words, check=False, timeout=_FURTHER_SECONDS)
    if done.returncode == 0 and look(box).running == (engine,):
        return []
    said = (done.stdout + done.stderr).decode(errors="replace")[-600:]
    return [f"A further switch to '{engine}' ended with {done.returncode}: {said}"]


def _silent_ms(probe: Probe, since: float) -> int:
    """Return the longest time without an answer after ``since``."""
    spans = [end - max(start, since) for start, end in probe.outages() if end > since]
    return round(max(spans, default=0.0) * 1000)
