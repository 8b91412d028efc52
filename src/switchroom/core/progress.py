"""The one way to show progress: a live line on a terminal, plain lines in a log, JSON lines under --json."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Iterator, Optional, TextIO

from switchroom.core import words

_WIDTH = 24
_REDRAW_SECONDS = 0.1
_EVENT_SECONDS = 1.0


class _Plain:
    """Lines for a log, and for nobody if there is no stream."""

    between = float("inf")  # seconds from one sign of life to the next

    def __init__(self, stream: Optional[TextIO]) -> None:
        self._stream = stream

    def begin(self, step: Step) -> None:
        self.write(f"{step.title} ...\n")

    def moved(self, step: Step) -> None:
        """Show how far the step is."""

    def end(self, step: Step, ok: bool) -> None:
        note = f" ({words.line(step.text)})" if step.text else ""
        self.write(f"{step.title}: {'done' if ok else 'FAILED'}{note}, {step.seconds:.1f} s\n")

    def say(self, text: str, kind: str) -> None:
        self.write(f"{'warning: ' if kind == 'warning' else ''}{text}\n")

    def write(self, text: str) -> None:
        if self._stream:
            self._stream.write(text)
            self._stream.flush()


class _Live(_Plain):
    """One line of a terminal that is drawn again."""

    between = _REDRAW_SECONDS

    def begin(self, step: Step) -> None:
        self.moved(step)

    def moved(self, step: Step) -> None:
        self._erase()
        self.write(f"{step.title} {self._bar(step)} {words.line(step.text)}")

    def end(self, step: Step, ok: bool) -> None:
        self._erase()
        super().end(step, ok)

    def _erase(self) -> None:
        if self._stream:
            words.control(self._stream, "\r\x1b[K")

    def _bar(self, step: Step) -> str:
        if not step.total:
            return "..."
        share = min(step.done / step.total, 1.0)
        filled = int(share * _WIDTH)
        return f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {share:4.0%}"


class _Events(_Plain):
    """One JSON object a line, for a program."""

    between = _EVENT_SECONDS

    def begin(self, step: Step) -> None:
        self._event("begin", step=step.title, total=step.total)

    def moved(self, step: Step) -> None:
        self._event("progress", step=step.title, total=step.total, done=step.done, note=step.text)

    def end(self, step: Step, ok: bool) -> None:
        self._event("end", step=step.title, ok=ok, seconds=round(step.seconds, 1), note=step.text)

    def say(self, text: str, kind: str) -> None:
        self._event(kind, text=text)

    def _event(self, kind: str, **fields: object) -> None:
        self.write(words.to_json({"event": kind, **fields}) + "\n")


class Step:
    """One piece of work; ``advance`` moves its bar when ``total`` (any unit) is known."""

    def __init__(self, title: str, total: int, view: _Plain) -> None:
        self.title, self.total, self._view = title, total, view
        self.done, self.text = 0, ""
        self._start = self._shown = time.monotonic()
        view.begin(self)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._start

    def advance(self, amount: int) -> None:
        """Count ``amount`` more units as done."""
        self.done += amount
        now = time.monotonic()
        if now - self._shown >= self._view.between:
            self._shown = now
            self._view.moved(self)

    def note(self, text: str) -> None:
        """Say in a few words how the step ended or what it works on now."""
        self.text = text
        self._view.moved(self)


class Reporter:
    """Shows steps and remarks on ``stream``; a ``quiet`` one shows nothing.

    With ``events`` each is a line of JSON with ``event`` (begin, progress, end, message, warning): a step's
    have ``step``, ``total`` and ``done`` (0: unknown), ``note``, ``seconds``, ``ok``; the others ``text``.
    """

    def __init__(self, stream: Optional[TextIO] = None, quiet: bool = False, events: bool = False) -> None:
        target = None if quiet else (stream or sys.stderr)
        view = _Events if events else _Live if target and target.isatty() else _Plain
        self._view = view(target)

    @contextlib.contextmanager
    def step(self, title: str, total: int = 0) -> Iterator[Step]:
        """Show one step around a block of work."""
        step = Step(title, total, self._view)
        ok = False
        try:
            yield step
            ok = True
        finally:
            self._view.end(step, ok)

    def say(self, text: str) -> None:
        """Print one line between steps."""
        self._view.say(text, "message")

    def warn(self, text: str) -> None:
        """Print one warning between steps."""
        self._view.say(text, "warning")
