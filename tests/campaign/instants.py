"""When to kill: a run is measured once, and each trial waits for its instant in a run of its own."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Callable, Mapping, Optional, Sequence

from campaign.order import Trial, Victim, When
from campaign.scene import up
from campaign.strike import Kill, kills_box, strike
from campaign.watch import Record, Watch, bytes_written, until
from lab.boxes import Box
from switchroom.core.errors import SwitchroomError

_TICK = 0.001
_QUIET_SECONDS = 0.6
_RUN_SECONDS = 180.0
_RESTART_SECONDS = 5.0


@dataclass(frozen=True)
class Rehearsal:
    """What an undisturbed run looked like: its records, its seconds, the bytes that rpm wrote.

    ``prepared`` is the part of the seconds before the journal began.
    """

    records: Sequence[Record]
    prepared: float
    seconds: float
    rpm_bytes: int


class Rest:
    """Knows since when nothing has gone on: only looks count, not the time in which none was made."""

    def __init__(self) -> None:
        self._since: Optional[float] = None

    def reached(self, busy: bool) -> bool:
        """Take one more look into account; return whether it and all since a while ago saw rest."""
        now = time.monotonic()
        if busy:
            self._since = None
            return False
        self._since = self._since or now
        return now - self._since >= _QUIET_SECONDS


def measure(watch: Watch) -> Rehearsal:
    """Watch a run that has begun until nothing of it goes on any more."""
    start = last = time.monotonic()
    records: Sequence[Record] = ()
    prepared, written, rest = 0.0, [0], Rest()
    while not rest.reached(busy := watch.busy()):
        if busy:
            last, records = time.monotonic(), watch.records() or records
        prepared = prepared or (last - start if records else 0.0)
        if pid := watch.rpm():
            written.append(bytes_written(pid))
        time.sleep(_TICK)
    return Rehearsal(records, prepared, last - start, max(written) - min(written[1:], default=0))


def settle(box: Box, watch: Watch, seconds: float) -> Sequence[str]:
    """Wait until the box is up and no switch has gone on for a while; return what is wrong if that fails."""
    rest, deadline = Rest(), time.monotonic() + seconds
    while not rest.reached(busy := watch.busy() or not up(box)):
        if busy and time.monotonic() > deadline:
            return [f"After {seconds:.0f} s the box is not at rest; the switch is at '{watch.place()}'."]
        time.sleep(0.05)
    return []


def kill(trial: Trial, box: Box, watch: Watch, rehearsal: Rehearsal, begun: float) -> Sequence[Kill]:
    """Kill at the trial's instant, and the recovery too if it says so; return the kills that hit.

    The box runs again afterwards. When nothing was there to kill, the one kill returned says so.
    """
    with contextlib.suppress(SwitchroomError):  # the run may end before its instant comes
        _WAITS[trial.when](trial, watch, rehearsal, begun)
    kills = [_kill(box, watch, trial.victim)]
    if trial.again is not None and kills[0].hit:
        if not kills_box(trial.victim):
            with contextlib.suppress(SwitchroomError):
                until(watch.worker, _RESTART_SECONDS, "the worker to be started again")
        time.sleep(trial.again)
        kills.append(_kill(box, watch, Victim.TOOL if trial.victim is Victim.DNF else trial.victim))
    if kills_box(trial.victim):
        box.wait_ready()
    return [done for done in kills if done.hit] or kills[:1]


def _kill(box: Box, watch: Watch, victim: Victim) -> Kill:
    done = strike(box, watch, victim)
    if kills_box(victim):
        box.start(wait=False)
    return done


def _record(trial: Trial, watch: Watch, _rehearsal: Rehearsal, _begun: float) -> None:
    _unless_over(watch, lambda: len(watch.records()) >= trial.at)


def _share(trial: Trial, _watch: Watch, rehearsal: Rehearsal, begun: float) -> None:
    first = rehearsal.prepared if trial.victim is Victim.TOOL else 0.0  # there is no worker sooner
    seconds = first + trial.at * (rehearsal.seconds - first)
    time.sleep(max(begun + seconds - time.monotonic(), 0.0))


def _inside_rpm(trial: Trial, watch: Watch, rehearsal: Rehearsal, _begun: float) -> None:
    """Wait for a share of what rpm writes: unlike its time, that is the same on a busy machine."""
    _unless_over(watch, lambda: bool(watch.rpm()))
    pid = watch.rpm()
    if pid:
        goal = bytes_written(pid) + trial.at * rehearsal.rpm_bytes
        until(lambda: bytes_written(pid) >= goal or not watch.rpm(), _RUN_SECONDS, "the share of rpm's work")


_WAITS: Mapping[When, Callable[[Trial, Watch, Rehearsal, float], None]] = {
    When.RECORD: _record,
    When.RANDOM: _share,
    When.RPM: _inside_rpm,
}


def _unless_over(watch: Watch, here: Callable[[], bool]) -> None:
    until(lambda: here() or not watch.busy(), _RUN_SECONDS, "the trial's instant")
