"""The one way to show progress: a live line on a terminal, plain lines in a log, nothing under --json."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Iterator, Optional, TextIO

_WIDTH = 24
_REDRAW_SECONDS = 0.1


class Step:
    """One piece of work; ``advance`` moves its bar when ``total`` (any unit) is known."""

    def __init__(self, title: str, total: int, stream: Optional[TextIO], live: bool) -> None:
        self._title, self._total, self._stream, self._live = title, total, stream, live
        self._done = 0
        self._start = time.monotonic()
        self._drawn = 0.0
        self._note = ""

    def advance(self, amount: int) -> None:
        """Count ``amount`` more units as done."""
        self._done += amount
        self._draw()

    def note(self, text: str) -> None:
        """Say in a few words how the step ended or what it works on now."""
        self._note = text
        self._draw(force=True)

    def begin(self) -> None:
        """Announce the step."""
        if self._live:
            self._draw(force=True)
        else:
            self._write(f"{self._title} ...\n")

    def end(self, ok: bool) -> None:
        """Close the step with its result and the seconds it took."""
        mark = "done" if ok else "FAILED"
        note = f" ({self._note})" if self._note else ""
        seconds = time.monotonic() - self._start
        self._write(f"{self._start_of_line}{self._title}: {mark}{note}, {seconds:.1f} s\n")

    @property
    def _start_of_line(self) -> str:
        return "\r\x1b[K" if self._live else ""

    def _draw(self, force: bool = False) -> None:
        now = time.monotonic()
        if not self._live or (now - self._drawn < _REDRAW_SECONDS and not force):
            return
        self._drawn = now
        self._write(f"{self._start_of_line}{self._title} {self._bar()} {self._note}")

    def _bar(self) -> str:
        if not self._total:
            return "..."
        share = min(self._done / self._total, 1.0)
        filled = int(share * _WIDTH)
        return f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {share:4.0%}"

    def _write(self, text: str) -> None:
        if self._stream:
            self._stream.write(text)
            self._stream.flush()


class Reporter:
    """Shows steps and remarks on ``stream``; a ``quiet`` one shows nothing."""

    def __init__(self, stream: Optional[TextIO] = None, quiet: bool = False) -> None:
        self._stream = None if quiet else (stream or sys.stderr)
        self._live = bool(self._stream and self._stream.isatty())

    @contextlib.contextmanager
    def step(self, title: str, total: int = 0) -> Iterator[Step]:
        """Show one step around a block of work."""
        step = Step(title, total, self._stream, self._live)
        step.begin()
        ok = False
        try:
            yield step
            ok = True
        finally:
            step.end(ok)

    def say(self, text: str) -> None:
        """Print one line between steps."""
        if self._stream:
            self._stream.write(text + "\n")
            self._stream.flush()

    def warn(self, text: str) -> None:
        """Print one warning between steps."""
        self.say(f"warning: {text}")
