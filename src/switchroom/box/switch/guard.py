"""The time in which Asterisk is down on purpose: nobody else starts it, no signal ends the worker."""

from __future__ import annotations

import contextlib
import signal
from typing import Callable, List

from switchroom.box.paths import Paths
from switchroom.core import lock
from switchroom.core.errors import SwitchroomError

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_WAIT_SECONDS = 30.0


class Guard:
    """Holds the lock that ``safe_asterisk`` takes too, and puts signals off, from stop to start."""

    def __init__(self, paths: Paths, note: Callable[[str], None]) -> None:
        self._path = paths.runtime / "asterisk.lock"
        self._note = note
        self._held = contextlib.ExitStack()
        self._holding = False
        self._signals: List[int] = []

    def hold(self) -> None:
        """Begin, once. Without the lock, after a wait, the work goes on: dial tone matters more."""
        if self._holding:
            return
        self._holding = True
        self._put_off_signals()
        try:
            self._held.enter_context(
                lock.exclusive(self._path, what="starting and stopping Asterisk", wait=_WAIT_SECONDS)
            )
        except (SwitchroomError, OSError) as error:
            self._note(f"{error} Going on without the lock '{self._path}'.")

    def release(self) -> None:
        """End; raises KeyboardInterrupt for a signal that came in between."""
        self._holding = False
        self._held.close()
        if self._signals:
            self._signals.clear()
            raise KeyboardInterrupt

    def _put_off_signals(self) -> None:
        for number in _SIGNALS:
            before = signal.signal(number, lambda number, _frame: self._signals.append(number))
            self._held.callback(signal.signal, number, before)
