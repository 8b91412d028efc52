"""The gate's policy: how long a package stays in testing, and which tests it must have passed."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from switchroom.build.repo import layout, records
from switchroom.build.repo.layout import Channel
from switchroom.build.repo.metadata import RepoPackage
from switchroom.build.repo.records import Chronicle, Record

_DAY = 86400.0
_GATE = "gate"


@dataclass(frozen=True)
class Policy:
    """Days a package has to be in testing, and the test suites that must have passed; none at first."""

    days: float = 0.0
    suites: Tuple[str, ...] = ()

    def as_dict(self) -> Dict[str, object]:
        """Return it as JSON."""
        return asdict(self)


def policy(root: Path) -> Policy:
    """Return a repository's policy."""
    known = layout.settings(root).get(_GATE) or {}
    return Policy(float(known.get("days", 0.0)), tuple(known.get("suites", ())))


def set_policy(root: Path, days: Optional[float], suites: Optional[Sequence[str]]) -> Policy:
    """Change a repository's policy where something is given, and return it."""
    with layout.writer_lock(root):
        old = policy(root)
        new = Policy(
            old.days if days is None else days,
            old.suites if suites is None else tuple(sorted(set(suites))),
        )
        layout.change_settings(root, {_GATE: new.as_dict()})
    return new


@dataclass(frozen=True)
class Standing:
    """Where one package of testing stands: its days there, and the newest result of each suite."""

    package: RepoPackage
    days: float
    results: Dict[str, Record]
    obstacles: Tuple[str, ...]


class Gate:
    """Judges packages of a testing channel by the repository's policy and records, as of now.

    A record speaks for a package when it counts (it is signed) and is of the channel's own major. One from
    before records were signed speaks against a package still, never for it.
    """

    def __init__(self, testing: Channel, chronicle: Chronicle) -> None:
        self._testing, self._policy = testing, policy(testing.root)
        against = [record for record in chronicle.unsigned if _speaks_against(record)]
        self._records = sorted((*chronicle.counted, *against), key=lambda record: record.time)
        self._now = time.time()

    def standing(self, package: RepoPackage) -> Standing:
        """Return where a package of testing stands; it may pass when there are no ``obstacles``."""
        covering = [record for record in self._records if record.covers(package, self._testing.el)]
        days = max(0.0, self._now - self._since(package, covering)) / _DAY
        results = {
            str(record.detail["suite"]): record for record in covering if record.event == records.TESTED
        }
        obstacles = (*self._too_young(days), *self._untested(results), *_withdrawn(covering))
        return Standing(package, days, results, obstacles)

    def _too_young(self, days: float) -> Iterator[str]:
        if days < self._policy.days:
            yield f"in testing for {days:.1f} days of {self._policy.days:g}"

    def _untested(self, results: Dict[str, Record]) -> Iterator[str]:
        for suite in self._policy.suites:
            if suite not in results:
                yield f"no result of '{suite}'"
        for suite, record in sorted(results.items()):
            if not record.detail["passed"]:
                remark = "" if record.signature else " (says a record that is not signed)"
                yield f"'{suite}' failed on {day(record.time)}{remark}"

    def _since(self, package: RepoPackage, covering: List[Record]) -> float:
        """Return when a package came; a crash may have lost the record, then the generations on disk tell."""
        known = [record.time for record in covering if record.event == records.PUBLISHED]
        return known[0] if known else self._testing.present_since(package.file_name) or self._now


def _speaks_against(record: Record) -> bool:
    failed = record.event == records.TESTED and not record.detail.get("passed")
    return failed or record.event == records.ROLLED_BACK


def _withdrawn(covering: Sequence[Record]) -> Iterator[str]:
    """Yield the rollback that took a package out of stable, unless a test passed after it."""
    taken = [record for record in covering if record.event == records.ROLLED_BACK]
    passed = [record for record in covering if record.event == records.TESTED and record.detail["passed"]]
    if taken and not any(record.time > taken[-1].time for record in passed):
        yield f"withdrawn from stable on {day(taken[-1].time)}, and no test passed since"


def day(moment: float) -> str:
    """Return a moment (seconds since 1970) as a date of UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime(moment))
