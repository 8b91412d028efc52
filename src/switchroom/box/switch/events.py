"""What happens, as it happens: JSON lines for programs, plain lines for the system journal.

Every event has ``time`` (ISO 8601, UTC) and ``event``:

- ``step``: ``step``, ``state`` (``begin``, ``done``, ``failed``), ``text``; ``seconds`` when it is over;
- ``drain``: ``calls`` in progress, ``left`` seconds until the deadline, ``refusing`` new calls or not;
- ``note``: ``text``;
- ``end``, the last one: what ``Outcome.as_dict`` says.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, Iterator, Optional

from switchroom.box.paths import Paths
from switchroom.box.switch import journal
from switchroom.core import words

FILE = "events.jsonl"
_POLL_SECONDS = 0.1

Event = Dict[str, Any]


class Events:
    """Appends events to a transaction's file and prints one line a piece of news."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._say = say
        self._path = folder / FILE
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._calls: Optional[int] = -1
        self._end_torn_line()

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def step(self, name: str, state: str, text: str, **more: Any) -> None:
        """Tell that a step begins or is over."""
        self._write("step", step=name, state=state, text=text, **more)
        seconds = f", {more['seconds']:.1f} s" if "seconds" in more else ""
        self._say(f"{name}: {text or state}{seconds}")

    def note(self, text: str) -> None:
        """Tell something worth knowing."""
        self._write("note", text=text)
        self._say(text)

    def drain(self, calls: Optional[int], left: float, refusing: bool) -> None:
        """Tell how the drain goes, often; in plain words only when the number of calls changed."""
        self._write("drain", calls=calls, left=round(left, 1), refusing=refusing)
        if calls != self._calls:
            self._calls = calls
            self._say(f"drain: {'?' if calls is None else calls} calls, {left:.0f} s left")

    def end(self, data: Event, text: str) -> None:
        """Tell the outcome, once."""
        if not any(event["event"] == "end" for event in read(self._path)):
            self._write("end", **data)
            self._say(text)

    def _write(self, event: str, **data: Any) -> None:
        line = words.to_json({"time": journal.now(), "event": event, **data}) + "\n"
        os.write(self._handle, line.encode())

    def _end_torn_line(self) -> None:
        size = os.fstat(self._handle).st_size
        if size and os.pread(self._handle, 1, size - 1) != b"\n":
            os.write(self._handle, b"\n")


def read(path: Path) -> Iterator[Event]:
    """Return the events of a file; lines that a power cut tore are left out."""
    with path.open("rb") as stream:
        yield from filter(None, map(_event, stream))


def follow(paths: Paths, transaction: str, gone: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Yield the events of a transaction from its first to its ``end``, waiting for more.

    Its folder may not be there yet, and is moved to the history at the end. Stops early when nothing is
    left to read and ``gone`` says that nobody writes any more (asked ten times a second).
    """
    stream = None
    while stream is None:
        stream = _open(paths, transaction)
        if stream is None:
            if gone():
                return
            time.sleep(_POLL_SECONDS)
    with stream:
        yield from _events(stream, gone)


def _open(paths: Paths, transaction: str) -> Optional[BinaryIO]:
    for folder in (paths.transaction, paths.history / transaction):
        with contextlib.suppress(FileNotFoundError):
            records = journal.read(folder / journal.FILE)
            if records and records[0].data.get("id") == transaction:
                return (folder / FILE).open("rb")
    return None


def _events(stream: BinaryIO, gone: Callable[[], bool]) -> Iterator[Event]:
    line = b""
    while True:
        over = gone()  # asked before the last read: what was written until then is still told
        line += stream.readline()
        if line.endswith(b"\n"):
            event, line = _event(line), b""
            if event:
                yield event
            if event and event["event"] == "end":
                return
        elif over:
            return
        else:
            time.sleep(_POLL_SECONDS)


def _event(line: bytes) -> Optional[Event]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and "event" in event else None
