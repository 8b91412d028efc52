"""Health, looked at in a process of its own: what Asterisk says may be anything, and must hang nobody.

The process reports each look; when the next one does not come in time it is stopped, and that is the finding.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

from switchroom.box.engines import Engine
from switchroom.box.health.baseline import Baseline
from switchroom.box.health.report import Check, Report
from switchroom.box.limits import load_limits
from switchroom.box.paths import Paths
from switchroom.box.settings import Settings
from switchroom.catalog.convert import to_plain
from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError, reading

log = logging.getLogger(__name__)

_MODULES = Path(__file__).resolve().parents[3]
_START = "import sys; sys.path.insert(0, sys.argv[1]); from switchroom.box.health.child import main; main()"
_Tell = Callable[[Report], None]


def measure(
    paths: Paths, settings: Settings, baseline: Optional[Baseline] = None, expect: Optional[Engine] = None
) -> Report:
    """Look once at everything that dial tone is, as ``look.measure`` does, within the limit for one look."""
    return _reports({"ask": "measure", **_compared(baseline, expect)}, paths, settings, lambda _report: None)


def wait(
    paths: Paths,
    settings: Settings,
    baseline: Optional[Baseline],
    expect: Optional[Engine],
    seconds: float,
    *,
    tell: _Tell = lambda _report: None,
) -> Report:
    """Look again and again, as ``look.wait`` does; a look that takes longer than its limit ends it."""
    return _reports({"ask": "wait", "seconds": seconds, **_compared(baseline, expect)}, paths, settings, tell)


def capture(paths: Paths, settings: Settings, ill: Sequence[str] = ()) -> Baseline:
    """Return what works now, as ``baseline.capture`` does; raises SwitchroomError when it takes too long."""
    answers: List[Dict[str, Any]] = []
    _ask({"ask": "capture", "ill": list(ill)}, paths, settings, answers.append)
    with _understood():
        return Baseline.from_dict(answers[-1]["baseline"])


def _compared(baseline: Optional[Baseline], expect: Optional[Engine]) -> Dict[str, Any]:
    return {"baseline": baseline.as_dict() if baseline else None, "expect": to_plain(expect)}


def _reports(request: Dict[str, Any], paths: Paths, settings: Settings, tell: _Tell) -> Report:
    reports: List[Report] = []

    def take(answer: Dict[str, Any]) -> None:
        with _understood():
            reports.append(Report.from_dict(answer["report"]))
        tell(reports[-1])

    try:
        _ask(request, paths, settings, take)
        with _understood():
            return reports[-1]
    except _UnansweredError as error:
        reports.append(Report((Check("health", False, error.seconds, error.message),), error.seconds))
        tell(reports[-1])
    return reports[-1]


class _UnansweredError(SwitchroomError):
    """The process did not come to its end."""

    def __init__(self, message: str, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = seconds


@contextlib.contextmanager
def _understood() -> Iterator[None]:
    """Turn an answer that is none into the finding that the look broke off."""
    try:
        with reading("What came of looking at the box"):
            yield
    except SwitchroomError as error:
        raise _UnansweredError(f"{error.message} {error.cause}") from error


def _ask(
    request: Dict[str, Any], paths: Paths, settings: Settings, take: Callable[[Dict[str, Any]], None]
) -> None:
    """Have a process look; ``take`` gets its answers. Raises what it raised, or that it did not answer."""
    limit = load_limits().look + settings.health.site_timeout
    given = {"root": str(paths.root), "settings": to_plain(settings), "level": log.getEffectiveLevel()}
    failures: List[SwitchroomError] = []
    last: List[Dict[str, Any]] = []

    def each(line: bytes) -> None:
        with _understood():
            last[:] = [dict(json.loads(line))]
            failures.extend(_as_error(last[0]["error"]) for _ in range("error" in last[0]))
        if not {"error", "end"} & set(last[0]):
            take(last[0])

    result = process.follow(
        [sys.executable, "-IB", "-c", _START, _MODULES],
        each,
        stdin=json.dumps({**request, **given}).encode(),
        silence=limit,
    )
    log.debug("%s", result.stderr.decode(errors="replace").rstrip())
    if failures:
        raise failures[0]
    if result.returncode != 0 or not last or "end" not in last[0]:
        raise _UnansweredError(_how(result, limit), limit if result.returncode < 0 else 0.0)


def _how(result: process.Result[bytes], limit: float) -> str:
    if result.returncode < 0:
        return f"looking at the box did not come to an end and was stopped, after {limit:.0f} s at the latest"
    return f"looking at the box broke off: {process.last_lines(result.stderr, 1)}"


def _as_error(plain: Dict[str, Any]) -> SwitchroomError:
    return SwitchroomError(
        plain["error"], cause=plain["cause"], hint=plain["hint"], code=ExitCode(plain["exit_code"])
    )
