"""Lets calls in progress end by themselves while new ones are refused, up to a deadline.

PJSIP's maintenance mode (``res_pjsip_maintenance``, Asterisk 20.20, 22.10 and 23.4 on) refuses new calls with
503 and Retry-After while dialogs go on. Older versions have only ``core stop gracefully``, which ends
Asterisk by itself with the last call, so it comes at the end.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Callable, Optional, Protocol

from switchroom.box.settings import Drain as Limits
from switchroom.box.switch.walker import Cancelled
from switchroom.core.errors import SwitchroomError

_POLL_SECONDS = 0.5
_CALLS = re.compile(r"^([0-9]{1,9}) active calls?$", re.MULTILINE)


class Console(Protocol):
    """Asterisk's command line."""

    def ask(self, command: str, timeout: float = 10.0) -> str:
        """Return the answer to a command; raises SwitchroomError when Asterisk does not answer."""


@dataclass(frozen=True)
class Drained:
    """How a drain ended: calls still up (None: unknown), when new ones began to be refused (unix time)."""

    calls: Optional[int]
    refused_since: float


@dataclass
class Drain:
    """One drain; ``alive`` says whether Asterisk still runs, ``tell`` gets calls, seconds left, refusing.

    ``about_to_stop`` is called before Asterisk is asked for something that may end it at once.
    """

    console: Console
    alive: Callable[[], bool]
    cancelled: Callable[[], bool]
    tell: Callable[[Optional[int], float, bool], None]
    about_to_stop: Callable[[], None]
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def run(self, deadline: float, limits: Limits) -> Drained:
        """Wait until no call is left or ``deadline`` (unix time) is reached.

        New calls are refused before it, no longer than ``limits`` say (``maintenance`` where the version has
        that mode, else ``refuse``). Raises Cancelled, with new calls taken again, when somebody asked for the
        end.
        """
        maintenance = has_maintenance(self.console)
        longest = limits.maintenance if maintenance else limits.refuse
        if deadline - self.clock() > longest:
            self._wait(deadline - longest, deadline, refusing=False)
        return self._refuse(maintenance, deadline)

    def _refuse(self, maintenance: bool, deadline: float) -> Drained:
        since = self.clock()
        if maintenance:
            self.console.ask("pjsip set maintenance on all")
        else:
            self.about_to_stop()
            self._stop_gracefully()
        return Drained(self._wait(deadline, deadline, refusing=True), since)

    def _stop_gracefully(self) -> None:
        try:
            self.console.ask("core stop gracefully")
        except SwitchroomError:
            if self.alive():  # else it ended before it could answer
                raise

    def _wait(self, until: float, deadline: float, refusing: bool) -> Optional[int]:
        """Return the calls that are left when none is, or at ``until``."""
        while True:
            calls = self._calls()
            self.tell(calls, max(deadline - self.clock(), 0.0), refusing)
            if calls == 0 or self.clock() >= until:
                return calls
            if self.cancelled():
                calm(self.console)
                raise Cancelled("it was cancelled")
            self.sleep(min(_POLL_SECONDS, max(until - self.clock(), 0.0)))

    def _calls(self) -> Optional[int]:
        """Return the number of calls in progress, None while Asterisk runs and does not answer."""
        try:
            return calls(self.console)
        except SwitchroomError:
            return None if self.alive() else 0


def calls(console: Console) -> Optional[int]:
    """Return the number of calls in progress, or None if the answer says nothing of it."""
    match = _CALLS.search(console.ask("core show channels count"))
    return int(match[1]) if match else None


def has_maintenance(console: Console) -> bool:
    """Return whether the running Asterisk has PJSIP's maintenance mode."""
    try:
        return "Running" in console.ask("module show like res_pjsip_maintenance")
    except SwitchroomError:
        return False


def calm(console: Console) -> None:
    """Take new calls again; it does no harm where they were never refused."""
    if has_maintenance(console):
        console.ask("pjsip set maintenance off all")
    else:
        console.ask("core abort shutdown")
