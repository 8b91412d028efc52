"""Watching a switch that the worker carries out: on a terminal, in a log, or as JSON lines."""

from __future__ import annotations

import itertools
import sys
import time
from typing import Any, Callable, Mapping, Optional

from switchroom.box.paths import Paths
from switchroom.box.switch import cancel, events
from switchroom.box.switch.outcome import Outcome
from switchroom.box.switch.prepare import WORKER
from switchroom.cli.switch_live import StepList
from switchroom.core import process, words
from switchroom.core.errors import ExitCode, SwitchroomError

_LOOK_SECONDS = 1.0
_LOOKS = 3  # in a row that must find no worker: between two of its lives it is gone for a moment


class _Gone:
    """Says whether nobody works any more; asked ten times a second, so it also keeps the screen alive."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._looked = time.monotonic()
        self._missed = 0

    def __call__(self) -> bool:
        self._tick()
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._looked = time.monotonic()
            self._missed = 0 if _worker_alive() else self._missed + 1
        return self._missed >= _LOOKS


def follow(paths: Paths, transaction: str, as_json: bool) -> Optional[Outcome]:
    """Show a transaction until it ends and return its outcome; None when the watcher detached.

    The first Ctrl-C asks the worker to give up, the second one leaves it alone and stops watching. Raises
    SwitchroomError (code ATTENTION) when the worker is gone and left no outcome.
    """
    steps = StepList(None if as_json else sys.stderr)
    show = print_json if as_json else steps.take
    seen = 0
    for interrupted in itertools.count():
        try:
            if interrupted:
                cancel.request(paths, transaction)
                steps.say("Asked to give up, if nothing was stopped yet. Ctrl-C again: stop watching.")
            for event in itertools.islice(events.follow(paths, transaction, _Gone(steps.tick)), seen, None):
                seen += 1
                if event["event"] == "end":
                    return Outcome.from_dict({k: v for k, v in event.items() if k not in ("time", "event")})
                show(event)
            raise _no_outcome()
        except KeyboardInterrupt:
            if interrupted:
                steps.say("Not watching any more; it goes on. Look with: switchroom status --follow")
                return None
    return None


def _worker_alive() -> bool:
    """Return whether systemd runs the worker, or is about to."""
    state = process.run(["systemctl", "is-active", WORKER], check=False, timeout=10).stdout.strip()
    return state in (b"active", b"activating", b"reloading")


def print_json(event: Mapping[str, Any]) -> None:
    """Print one event as one line."""
    print(words.to_json(event), flush=True)


def _no_outcome() -> SwitchroomError:
    said = process.run(["journalctl", f"--unit={WORKER}", "--lines=12", "--output=cat"], check=False)
    return SwitchroomError(
        "The switch is not under way any more and left no outcome.",
        cause=process.last_lines(said.stdout),
        hint="See where the box stands: switchroom status. Go on with: systemctl start switchroom-resume",
        code=ExitCode.ATTENTION,
    )
