"""The process that looks: a request as JSON on its input, a line of JSON for each answer, the last an end."""

from __future__ import annotations

import json
import logging
import signal
import sys
from typing import Any, Dict, NoReturn, Optional

from switchroom.box.engines import Engine
from switchroom.box.health import look
from switchroom.box.health.baseline import Baseline, capture
from switchroom.box.health.report import Report
from switchroom.box.paths import Paths
from switchroom.box.settings import Settings
from switchroom.catalog.convert import to_dataclass
from switchroom.core import words
from switchroom.core.errors import SwitchroomError


def main() -> None:
    """Answer the request; a signal ends it as Ctrl-C does, so that a test call is ended too."""
    signal.signal(signal.SIGTERM, _interrupt)
    request = json.load(sys.stdin)
    logging.basicConfig(level=request["level"], format="%(message)s")
    paths = to_dataclass(Paths, {"root": request["root"]})
    settings = to_dataclass(Settings, request["settings"])
    try:
        _ANSWERS[request["ask"]](paths, settings, request)
        _say({"end": True})
    except SwitchroomError as error:
        _say({"error": error.as_dict()})


def _measure(paths: Paths, settings: Settings, request: Dict[str, Any]) -> None:
    _tell(look.measure(paths, settings, _baseline(request), _engine(request)))


def _wait(paths: Paths, settings: Settings, request: Dict[str, Any]) -> None:
    look.wait(paths, settings, _baseline(request), _engine(request), request["seconds"], tell=_tell)


def _capture(paths: Paths, settings: Settings, request: Dict[str, Any]) -> None:
    _say({"baseline": capture(paths, settings, ill=request["ill"]).as_dict()})


_ANSWERS = {"measure": _measure, "wait": _wait, "capture": _capture}


def _baseline(request: Dict[str, Any]) -> Optional[Baseline]:
    return Baseline.from_dict(request["baseline"]) if request["baseline"] else None


def _engine(request: Dict[str, Any]) -> Optional[Engine]:
    return to_dataclass(Engine, request["expect"]) if request["expect"] else None


def _tell(report: Report) -> None:
    _say({"report": report.as_dict()})


def _say(answer: Dict[str, Any]) -> None:
    sys.stdout.write(words.to_json(answer) + "\n")
    sys.stdout.flush()


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
