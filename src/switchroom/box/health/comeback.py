"""Whether those who were there before are back, by a threshold."""

from __future__ import annotations

import math
from typing import Collection, Mapping, Optional

from switchroom.box.health.report import Verdict
from switchroom.box.health.standing import LOST, PENDING, REACHABLE

_NAMED = 3  # of the missing


def judge(
    what: str,
    before: Optional[Mapping[str, str]],
    now: Mapping[str, str],
    share: float,
    lacking: Collection[str] = (),
) -> Verdict:
    """Compare the names ``before`` (None without a baseline) with the states ``now``.

    Names of a family in ``lacking`` are not judged: the engine does not have their channel driver.
    """
    if before is None:
        there = sum(state == REACHABLE for state in now.values())
        return Verdict(True, f"{there} of {len(now)} {what} now; no baseline to compare with", required=False)
    judged = [name for name in before if name.split("/")[0] not in lacking]
    left_out = _left_out(len(before) - len(judged), lacking)
    if not judged:
        return Verdict(True, f"no {what} to come back{left_out}", required=False)
    missing = [name for name in judged if _missing(before[name], now.get(name))]
    waiting = sum(now.get(name) == PENDING for name in judged)
    back = len(judged) - len(missing)
    evidence = f"{back} of {len(judged)} {what} back, threshold {share * 100:g} %"
    evidence += f" ({waiting} not asked yet)" if waiting else ""
    return Verdict(back >= math.ceil(share * len(judged) - 1e-9), evidence + _named(missing) + left_out)


def _missing(before: str, now: Optional[str]) -> bool:
    """Return whether a name is lost; one nobody had asked before may turn out unreachable."""
    return now is None or (now == LOST and before == REACHABLE)


def _named(missing: Collection[str]) -> str:
    if not missing:
        return ""
    names = ", ".join(sorted(missing)[:_NAMED])
    return f"; missing: {names}" + (f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else "")


def _left_out(count: int, lacking: Collection[str]) -> str:
    return f"; {count} not judged: no {' or '.join(sorted(lacking))} in this engine" if count else ""
