"""Kills for real: SIGKILL from the host, at a moment whose circumstances are proved first."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Mapping, Optional, Sequence

from campaign.order import Victim
from campaign.watch import CLIENT, Watch
from lab.boxes import Box

_STOPPED = ("T", "t", "D")  # in D it waits for the disk and stops right after
_STOP_SECONDS = 0.1


@dataclass(frozen=True)
class Kill:
    """What was killed: when (monotonic seconds), where the switch was, and whether anything was there."""

    time: float
    place: str
    hit: bool
    inside_rpm: bool


def strike(box: Box, watch: Watch, victim: Victim) -> Kill:
    """Kill the victim now. The box is dead afterwards if it was the victim; somebody has to start it."""
    with _held_still(watch.rpm()) as holder:
        inside = holder is not None and watch.rpm() == holder
        place = watch.place()
        moment = time.monotonic()
        return Kill(moment, place, _STRIKES[victim](box, watch), inside)


def kills_box(victim: Victim) -> bool:
    """Return whether the box is dead after a kill of this victim."""
    return victim in (Victim.BOX, Victim.POWER)


@contextlib.contextmanager
def _held_still(pid: Optional[int]) -> Iterator[Optional[int]]:
    """Stop a process for the moment, so that what is seen of it is still true when the kill comes."""
    if pid is None:
        yield None
        return
    _kill([pid], signal.SIGSTOP)
    deadline = time.monotonic() + _STOP_SECONDS
    while _state(pid) not in _STOPPED and time.monotonic() < deadline:
        time.sleep(0.0005)
    try:
        yield pid
    finally:
        _kill([pid], signal.SIGCONT)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "T"


def _kill(pids: Sequence[Optional[int]], number: signal.Signals = signal.SIGKILL) -> bool:
    found = False
    for pid in pids:
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                found = True
    return found


def _crash(box: Box, _watch: Watch) -> bool:
    box.crash()
    return True


def _cut_power(box: Box, _watch: Watch) -> bool:
    box.power_cut()
    return True


_STRIKES: Mapping[Victim, Callable[[Box, Watch], bool]] = {
    Victim.TOOL: lambda _box, watch: _kill([watch.worker()]),
    Victim.CLIENT: lambda _box, watch: _kill(watch.processes(CLIENT)),
    Victim.DNF: lambda _box, watch: _kill([watch.rpm()]),
    Victim.BOX: _crash,
    Victim.POWER: _cut_power,
}
