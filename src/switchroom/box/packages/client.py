"""Asks the dnf child: one request, its progress, one answer or error."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from switchroom.box.packages.locks import clear_stale_locks
from switchroom.box.packages.model import TornError
from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.progress import Reporter

QUIET = Reporter(quiet=True)

_CHILD = Path(__file__).resolve().parents[1] / "dnf_child/__main__.py"
_PYTHONS = ("/usr/libexec/platform-python", "/usr/bin/python3")
_CODES = {"failed": ExitCode.FAILED, "refused": ExitCode.REFUSED, "locked": ExitCode.REFUSED}
_LOCK_SECONDS = 60.0  # dnf-makecache.timer holds a lock for some seconds, at any time
_LOCK_POLL_SECONDS = 1.0
_TRANSACTION_GRACE_SECONDS = 120.0  # an interrupted tool lets rpm finish rather than tear its transaction

Progress = Callable[[int, int], None]


class Answer:
    """The lines that came from the child."""

    def __init__(self, progress: Optional[Progress], reporter: Reporter) -> None:
        self._progress, self._reporter = progress, reporter
        self.last: Dict[str, Any] = {}
        self.remarks: List[str] = []

    def take(self, line: bytes) -> None:
        """Pass progress on; keep the rest."""
        event = json.loads(line)
        if event["event"] == "progress":
            if self._progress:
                self._progress(event["done"], event["total"])
        elif event["event"] == "remark":
            self.remarks.append(event["text"])
            self._reporter.warn(event["text"])
        else:
            self.last = event


def ask(
    command: str,
    *,
    progress: Optional[Progress] = None,
    reporter: Reporter = QUIET,
    changing: bool = False,
    **request: Any,
) -> Answer:
    """Have the child carry out a command; its result is ``.last["value"]`` of the answer.

    ``progress`` is told (done, total). Waits up to a minute for another dnf. Raises SwitchroomError as the
    child says, and TornError when a ``changing`` command did not come to its end.
    """
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        clear_stale_locks()
        answer = Answer(progress, reporter)
        result = _run(answer, changing, {"command": command, **request})
        if answer.last.get("code") != "locked" or time.monotonic() >= deadline:
            break
        time.sleep(_LOCK_POLL_SECONDS)
    if answer.last.get("event") != "result":
        raise _error(command, answer.last, result, changing)
    return answer


def _run(answer: Answer, changing: bool, request: Dict[str, Any]) -> process.Result[bytes]:
    python = next((name for name in _PYTHONS if os.access(name, os.X_OK)), _PYTHONS[-1])
    return process.follow(
        [python, "-I", "-B", _CHILD],
        answer.take,
        stdin=json.dumps(request).encode(),
        env={"LC_ALL": "C.UTF-8"},
        grace=_TRANSACTION_GRACE_SECONDS if changing else 0.0,
    )


def _error(
    command: str, last: Dict[str, Any], result: process.Result[bytes], changing: bool
) -> SwitchroomError:
    said = process.last_lines(result.stderr)
    if last.get("code") == "torn":
        return TornError(last["message"], last["cause"])
    if last:
        return SwitchroomError(
            last["message"], cause=last["cause"] or said, hint=last["hint"], code=_CODES[last["code"]]
        )
    how = (
        f"by signal {-result.returncode}" if result.returncode < 0 else f"with exit code {result.returncode}"
    )
    if changing:
        return TornError(
            f"The package transaction was torn: dnf ended {how} in the middle of '{command}'.", said
        )
    return SwitchroomError(
        f"dnf ended {how} without an answer to '{command}'.",
        cause=said,
        hint="Nothing was changed. Check that 'dnf check' works on this box.",
        code=ExitCode.REFUSED,
    )
