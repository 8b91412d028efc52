"""Runs the site playbook on this box and follows what the collection's callback says of it."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Callable, Dict, List, Optional

from switchroom.box.firstboot.places import Places
from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError

_PLAYBOOK = "switchroom.pbx.site"
_CONFIGURATION = "/usr/share/switchroom/first-boot/ansible.cfg"
_GRACE_SECONDS = 120.0  # an interrupted run lets rpm finish rather than tear its transaction
_ENVIRONMENT = {"ANSIBLE_CONFIG": _CONFIGURATION, "LC_ALL": "C.UTF-8", "HOME": "/root"}
_WORTH_SHOWING = ("failed", "unreachable", "ignored")

BeginStep = Callable[[int, int, str], None]


class Run:
    """One run; ``begin`` is told (number, how many in all, name) of each step."""

    def __init__(self, places: Places, begin: BeginStep) -> None:
        self._places, self._begin = places, begin
        self._step: Dict[str, Any] = {"number": 0, "total": 0, "name": "start"}
        self._failure: Optional[Dict[str, Any]] = None
        self._log: List[str] = []

    def go(self) -> None:
        """Run the playbook; raises SwitchroomError with the last failure: what, why, what to do.

        One that happened in the first step, which only looks, has the code ATTENTION: trying again is no use.
        """
        inventory = str(self._places.inventory)
        argv = ["ansible-playbook", "--connection", "local", "--inventory", inventory, _PLAYBOOK]
        self._write(f"begin: {_PLAYBOOK}")
        result = process.follow(argv, self._take, env=_ENVIRONMENT, grace=_GRACE_SECONDS)
        said = process.last_lines(result.stderr)
        for line in said.splitlines():
            self._write(f"ansible: {line}")
        self._write(f"end: exit code {result.returncode}")
        if result.returncode != 0:
            raise self._error(result.returncode, said)

    def _take(self, line: bytes) -> None:
        try:
            event = json.loads(line)
            kind = event["event"]
        except (ValueError, TypeError, KeyError):
            self._write(f"ansible: {line.decode(errors='replace').rstrip()}")
            return
        if kind == "step":
            self._step = event
            self._write(f"step {event['number']} of {event['total']}: {event['name']}")
            self._begin(event["number"], event["total"], event["name"])
        elif kind == "task":
            self._write(_sentence(event))
            self._failure = event if event["outcome"] in ("failed", "unreachable") else self._failure

    def _write(self, text: str) -> None:
        """Add lines to the log, which root alone may read."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._places.log.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._places.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.writelines(f"{stamp} {line}\n" for line in text.splitlines())

    def _error(self, code: int, said: str) -> SwitchroomError:
        hint = f"Every step is in '{self._places.log}'; '{self._places.inventory}' holds the settings."
        if self._failure is None:
            return SwitchroomError(
                f"The playbook '{_PLAYBOOK}' ended with exit code {code}.", cause=said, hint=hint
            )
        return SwitchroomError(
            f"The step '{self._step['name']}' failed at '{self._failure['name']}'.",
            cause=self._failure["message"],
            hint=hint,
            code=ExitCode.ATTENTION if self._step["number"] <= 1 else ExitCode.FAILED,
        )


def _sentence(event: Dict[str, Any]) -> str:
    where = f"{event['role']}: " if event["role"] else ""
    lines = [f"{event['outcome']:<8} {event['seconds']:6.1f} s  {where}{event['name']}"]
    if event["outcome"] in _WORTH_SHOWING and event["message"]:
        lines += [f"  | {line}" for line in event["message"].splitlines()]
    return "\n".join(lines)
