"""What health found: its checks, each with result, time and evidence."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, Tuple

from switchroom.catalog.convert import to_dataclass, to_plain
from switchroom.core import words
from switchroom.core.errors import SwitchroomError

_LONGEST = 1000  # characters of evidence


@dataclass(frozen=True)
class Check:
    """One thing looked at: ``seconds`` it took, ``evidence`` in one line.

    One that is not ``required`` does not count: it does not apply to this box, or could not be tried.
    """

    name: str
    ok: bool
    seconds: float
    evidence: str
    required: bool = True


@dataclass(frozen=True)
class Verdict:
    """What a check says before its time is known."""

    ok: bool
    evidence: str
    required: bool = True


@dataclass(frozen=True)
class Report:
    """All checks of one look at the box, and the seconds it took."""

    checks: Tuple[Check, ...]
    seconds: float

    @property
    def failed(self) -> Tuple[Check, ...]:
        """The checks that make the box unhealthy."""
        return tuple(check for check in self.checks if check.required and not check.ok)

    @property
    def healthy(self) -> bool:
        """Whether the box has dial tone."""
        return not self.failed

    def as_dict(self) -> Dict[str, Any]:
        """Return the report as plain data."""
        return {"healthy": self.healthy, "seconds": self.seconds, "checks": to_plain(self.checks)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Report:
        """Return the report that ``as_dict`` gave."""
        return to_dataclass(Report, {key: value for key, value in data.items() if key != "healthy"})


def timed(name: str, look: Callable[[], Verdict]) -> Check:
    """Return a check from what ``look`` says, in one line; an error it raises fails, with that evidence.

    What was looked at may be anybody's work: that a reader broke on it is a finding too, and no other check
    goes without its answer for it.
    """
    begin = time.monotonic()
    try:
        verdict = look()
    except SwitchroomError as error:
        verdict = Verdict(False, error.message)
    except OSError as error:
        verdict = Verdict(False, str(error))
    except Exception as error:
        verdict = Verdict(False, f"it cannot be judged: {type(error).__name__}: {error}")
    evidence = words.line(verdict.evidence, _LONGEST)
    return Check(name, verdict.ok, round(time.monotonic() - begin, 3), evidence, verdict.required)
