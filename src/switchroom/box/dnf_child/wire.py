"""What goes between the tool and its child: JSON lines, each with an ``event``.

``progress`` and ``remark`` may come many times, ``result`` or ``error`` is the last line.
"""

import json
import logging
import os
from typing import Any, Dict, List

Request = Dict[str, Any]

FAILED, REFUSED, TORN, LOCKED = "failed", "refused", "torn", "locked"

_channel: List[int] = []


class RequestError(Exception):
    """A failure with what a person needs to know; ``code`` is one of the constants above."""

    def __init__(self, message: str, cause: str = "", hint: str = "", code: str = REFUSED) -> None:
        super().__init__(message)
        self.event = {"event": "error", "message": message, "cause": cause, "hint": hint, "code": code}


class Log(logging.Handler):
    """Keeps what dnf has to say: the evidence of a failure."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(record.getMessage())


LOG = Log()


def open_channel() -> None:
    """Keep standard output for ``tell`` alone; what rpm, dnf or a scriptlet prints goes to standard error."""
    _channel.append(os.dup(1))
    os.dup2(2, 1)
    logging.getLogger("dnf").addHandler(LOG)


def tell(**event: Any) -> None:
    """Write one line."""
    data = json.dumps(event).encode() + b"\n"
    while data:
        data = data[os.write(_channel[0], data) :]
