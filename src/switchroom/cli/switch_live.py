"""The list of a switch's steps as it goes: redrawn in place on a terminal, plain lines in a log."""

from __future__ import annotations

import datetime
import textwrap
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, TextIO

from switchroom.core import words

FORWARD = {
    "packages": "Install the packages",
    "carry": "Carry modules over",
    "protect": "Protect both engines",
    "drain": "Wait for calls to end",
    "stop": "Stop the old engine",
    "flip": "Select the new engine",
    "start": "Start the new engine",
    "health": "Check the health",
}
# Shown only when they happen.
OTHERS = {
    "stop-back": "Stop the new engine",
    "flip-back": "Select the old engine",
    "start-back": "Start the old engine",
    "health-back": "Check the health again",
    "repair": "Repair the packages",
    "calm": "Take calls as before",
    "rescue": "Start any whole engine",
}
_TITLES = {**FORWARD, **OTHERS}
_WIDTH = 79  # columns of the narrowest terminal in use, less the one that would wrap
_MARKS = {"pending": " ", "begin": ">", "done": "+", "failed": "!", "left": "-"}


@dataclass
class _Line:
    title: str
    state: str = "pending"
    begin: float = 0.0
    end: float = 0.0
    note: str = ""

    def text(self, now: float) -> str:
        seconds = f"{(self.end or now) - self.begin:6.1f} s" if self.state != "pending" else " " * 8
        note = f"  {self.note}" if self.note else ""
        return f"  [{_MARKS[self.state]}] {self.title:<24}{seconds}{note}"[:_WIDTH]

    def plain(self) -> str:
        if self.state == "begin":
            return f"{self.title} ..."
        note = f" ({self.note})" if self.note else ""
        state = "FAILED" if self.state == "failed" else self.state
        return f"{self.title}: {state}{note}, {self.end - self.begin:.1f} s"


class StepList:
    """Shows events on ``stream``: redrawn on a terminal, else one line a change; None shows nothing."""

    def __init__(self, stream: Optional[TextIO]) -> None:
        self._stream, self._live = stream, stream is not None and stream.isatty()
        self._lines: Dict[str, _Line] = {step: _Line(title) for step, title in FORWARD.items()}
        self._below: List[str] = []
        self._active: Optional[str] = None
        self._drawn = 0
        self._calls: Any = self  # equal to no number of calls, nor to None

    def take(self, event: Mapping[str, Any]) -> None:
        """Show one event, as ``switchroom.box.switch.events`` describes them."""
        if event["event"] == "step":
            self._step(event)
        elif event["event"] == "note":
            self.say(str(event["text"]))
        elif event["event"] == "drain":
            self._drain(event)
        self.tick()

    def tick(self) -> None:
        """Redraw, so that the time of the step at work goes on; does nothing in a log."""
        if not self._live:
            return
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        lines = [line.text(time.monotonic()) for line in self._lines.values()] + self._below
        self._control(up)
        for line in lines:
            self._control("\r\x1b[K")
            self._write(f"{line}\n")
        self._drawn = len(lines)

    def _step(self, event: Mapping[str, Any]) -> None:
        step, state = str(event["step"]), str(event["state"])
        line = self._lines.setdefault(step, _Line(_TITLES.get(step, step)))
        then = _moment(str(event["time"]))
        line.state, line.note = state, "" if state == "begin" else words.line(str(event["text"]))
        if state == "begin":
            self._leave(then)
            line.begin, line.end, self._active = then, 0.0, step
        else:
            line.begin = line.begin or then
            line.end, self._active = max(then, line.begin), None  # the clock may have been set back
        if not self._live:
            self._write(line.plain() + "\n")

    def _leave(self, now: float) -> None:
        """Close a step that was given up and therefore never told its end."""
        if self._active:
            left = self._lines[self._active]
            left.state, left.end, left.note = "left", max(now, left.begin), "given up"

    def _drain(self, event: Mapping[str, Any]) -> None:
        """Show how the drain goes; in a log only when the number of calls has changed."""
        if self._live and self._active:
            self._lines[self._active].note = drain_words(event)
        elif event["calls"] != self._calls:
            self.say(drain_words(event))
        self._calls = event["calls"]

    def say(self, text: str) -> None:
        """Show a line below the steps; it stays."""
        if self._live:
            self._below += textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")
            self.tick()
        else:
            self._write(f"  {words.line(text)}\n")

    def _control(self, text: str) -> None:
        if self._stream:
            words.control(self._stream, text)

    def _write(self, text: str) -> None:
        if self._stream:
            self._stream.write(text)
            self._stream.flush()


def drain_words(event: Mapping[str, Any]) -> str:
    """Return how a drain goes, in a few words."""
    calls = event["calls"]
    known = "calls not known" if calls is None else f"{calls} call{'' if calls == 1 else 's'}"
    refusing = ", new ones refused" if event["refusing"] else ""
    return f"{known}, {event['left']:.0f} s left{refusing}"


def _moment(time_of_event: str) -> float:
    """Return when an event happened, on the monotonic clock: somebody who comes late is told true times."""
    happened = datetime.datetime.fromisoformat(time_of_event)
    age = (datetime.datetime.now(datetime.timezone.utc) - happened).total_seconds()
    return time.monotonic() - max(age, 0.0)
