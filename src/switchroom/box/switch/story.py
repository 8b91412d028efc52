"""What a journal tells: pure reading, shared by the worker, the recovery at boot and the status."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

from switchroom.box.switch.journal import Record
from switchroom.box.switch.plan import Plan


class Way(enum.Enum):
    """Where a transaction is heading."""

    FORWARD = "forward"
    BACK = "back"
    ABANDON = "abandon"
    FAIL = "fail"
    ATTENTION = "attention"


STEPS: Mapping[Way, Tuple[str, ...]] = {
    Way.FORWARD: ("packages", "carry", "protect", "drain", "stop", "flip", "start", "health"),
    Way.BACK: ("stop-back", "flip-back", "start-back", "health-back"),
    Way.ABANDON: ("repair", "calm"),
    Way.FAIL: ("calm",),
    Way.ATTENTION: ("rescue",),
}
HEADINGS: Mapping[Way, str] = {
    Way.FORWARD: "Going on",
    Way.BACK: "Rolling back",
    Way.ABANDON: "Ending without a change",
    Way.FAIL: "Giving up",
    Way.ATTENTION: "The rollback failed",
}
PHASES: Mapping[str, str] = {
    "packages": "installing the packages beside the running engine",
    "carry": "carrying third-party modules over",
    "protect": "protecting both engines' packages",
    "drain": "waiting for calls to end",
    "stop": "stopping the old engine",
    "flip": "selecting the new engine",
    "start": "starting the new engine",
    "health": "checking the new engine's health",
    "stop-back": "stopping the new engine",
    "flip-back": "selecting the old engine again",
    "start-back": "starting the old engine again",
    "health-back": "checking the old engine's health",
    "repair": "making half-installed packages whole",
    "calm": "seeing to it that the old engine takes calls as before",
    "rescue": "starting any whole engine",
}
# What these leave behind is on the disk; all other steps act on processes, which a reboot takes away.
DURABLE: FrozenSet[str] = frozenset({"packages", "carry", "protect", "flip", "flip-back", "repair"})


@dataclass(frozen=True)
class Story:
    """The state that a journal's records add up to.

    ``reasons`` are the data of the decisions so far, ``done`` the steps done that still count, ``begun`` the
    first intent of each step, ``results`` the data of what was done, ``attempts`` the worker's starts since
    the last progress, ``boots`` the starts of the machine since the flip was intended, ``boot`` the one in
    which a step was last worked on.
    """

    plan: Plan
    way: Way
    reasons: Tuple[Mapping[str, Any], ...]
    done: FrozenSet[str]
    begun: Mapping[str, Record]
    results: Mapping[str, Mapping[str, Any]]
    attempts: int
    boots: int
    boot: str
    ended: Optional[Record]

    @property
    def next_step(self) -> Optional[str]:
        """The first step after the last one done, or None when only the end is left."""
        steps = STEPS[self.way]
        last = max((steps.index(step) for step in self.done if step in steps), default=-1)
        return steps[last + 1] if last + 1 < len(steps) else None

    def half_done(self, step: str) -> bool:
        """Return whether a step was begun and did not come to its end."""
        return step in self.begun and step not in self.done


class _Teller:
    """Adds up records."""

    def __init__(self, first: Record) -> None:
        self.way = Way.FORWARD
        self.reasons: List[Mapping[str, Any]] = []
        self.done: List[str] = []
        self.begun: Dict[str, Record] = {}
        self.results: Dict[str, Mapping[str, Any]] = {}
        self.attempts = self.boots = 0
        self.boot = self.worked = first.boot
        self.ended: Optional[Record] = None

    def add(self, record: Record) -> None:
        if record.boot != self.boot:
            self.boot = record.boot
            self.done = [step for step in self.done if step in DURABLE]
        getattr(self, f"_{record.kind.value}")(record)

    def _begin(self, record: Record) -> None:
        """Add nothing: the plan is read by the caller."""

    def _attempt(self, _record: Record) -> None:
        self.attempts += 1

    def _intent(self, record: Record) -> None:
        self.begun.setdefault(record.step, record)
        self.worked = record.boot

    def _done(self, record: Record) -> None:
        self.done.append(record.step)
        self.results[record.step] = record.data
        self.attempts = 0
        self.worked = record.boot

    def _failed(self, _record: Record) -> None:
        """Add nothing: a decision follows."""

    def _decide(self, record: Record) -> None:
        self.way = Way(record.data["way"])
        self.reasons.append(record.data)
        self.attempts = 0

    def _boot(self, _record: Record) -> None:
        self.boots += "flip" in self.begun

    def _end(self, record: Record) -> None:
        self.ended = record


def tell(records: Sequence[Record]) -> Story:
    """Return the state that a journal's records add up to; there is at least the first one."""
    teller = _Teller(records[0])
    for record in records:
        teller.add(record)
    return Story(
        plan=Plan.from_dict(records[0].data),
        way=teller.way,
        reasons=tuple(teller.reasons),
        done=frozenset(teller.done),
        begun=teller.begun,
        results=teller.results,
        attempts=teller.attempts,
        boots=teller.boots,
        boot=teller.worked,
        ended=teller.ended,
    )
