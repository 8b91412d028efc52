"""Phone calls to a box, with sound both ways: SIPp speaks SIP, and each packet heard is sent back."""

from __future__ import annotations

import itertools
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self, Sequence

from lab import network
from support.pbx import LONG, SHORT
from support.sound import Echo, Stream, listen
from switchroom.core import process
from switchroom.core.errors import SwitchroomError

_SCENARIO = Path(__file__).with_name("sipp") / "call.xml"
_PATIENCE = 8.0  # seconds without an answer after which a call counts as failed, or as lost
HELD_SECONDS = 60.0  # seconds that a call is held which hangs up when enough was heard
_ANSWERED = re.compile(r"^answered (?P<id>\S+) (?P<port>\d+)\t", re.MULTILINE)
_LINE = re.compile(r"^(?P<word>answered|ended|cut|failed) .*\t(?P<time>\d+\.\d+)\s*$", re.MULTILINE)
_ENOUGH = (
    f"MESSAGE sip:lab@{network.HOST} SIP/2.0",
    f"Via: SIP/2.0/UDP {network.HOST};branch=z9hG4bK-enough",
    f"From: <sip:lab@{network.HOST}>;tag=enough",
    f"To: <sip:lab@{network.HOST}>",
    "CSeq: 1 MESSAGE",
    "Content-Length: 0",
)
_WORDS = ("answered", "ended", "cut", "failed")


@dataclass(frozen=True)
class Tally:
    """How the calls of one run went so far: the moment of each event, in seconds since 1970.

    ``ended`` calls were hung up by the caller as planned, ``cut`` ones by the other side or by nobody,
    ``failed`` ones were never answered.
    """

    answered: tuple[float, ...]
    ended: tuple[float, ...]
    cut: tuple[float, ...]
    failed: tuple[float, ...]
    sound: tuple[Stream, ...]

    def longest_gap(self, since: float, until: float) -> float:
        """Return the longest span in seconds, within ``since`` to ``until``, without an answered call."""
        return self.gaps(since, until)[0]

    def gaps(self, since: float, until: float) -> Sequence[float]:
        """Return all such spans, the longest first."""
        times = [since, *(time for time in self.answered if since <= time <= until), until]
        return sorted((later - earlier for earlier, later in itertools.pairwise(times)), reverse=True)


class _Run:
    """One run of SIPp, and the sound that goes with it; a context manager that ends it."""

    def __init__(self, address: str, extension: str, hold: float, rhythm: Sequence[str]) -> None:
        process.require("sipp")
        self._scratch = tempfile.TemporaryDirectory(prefix="calls-")
        self._folder = Path(self._scratch.name)
        self._log = self._folder / "calls.log"
        self._log.touch()
        self._echo = Echo(network.HOST)
        self._sipp = self._start([address, "-s", extension, *rhythm], hold)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._sipp.kill()
        self._sipp.wait()
        self._echo.close()
        self._scratch.cleanup()

    def tally(self) -> Tally:
        """Return what has happened so far."""
        events = [(match["word"], float(match["time"])) for match in _LINE.finditer(self._log.read_text())]
        times = {word: tuple(time for each, time in events if each == word) for word in _WORDS}
        return Tally(**times, sound=self._echo.streams)

    def _finish(self, timeout: float) -> Tally:
        try:
            self._sipp.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise self._failure(f"The calls were not over after {timeout:.0f} s.") from error
        return self.tally()

    def _failure(self, message: str) -> SwitchroomError:
        return SwitchroomError(
            message, cause=process.last_lines((self._folder / "said.log").read_bytes(), 30)
        )

    def _start(self, words: Sequence[str], hold: float) -> subprocess.Popen[bytes]:
        values = {"HOLD": round(hold * 1000), "PATIENCE": round(_PATIENCE * 1000), "PORT": self._echo.port}
        text = _SCENARIO.read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        (self._folder / "call.xml").write_text(text)
        settings = ["-sf", "call.xml", "-i", network.HOST, "-timer_resol", "1", "-skip_rlimit", "-nostdin"]
        settings += ["-default_behaviors", "none", "-trace_logs", "-log_file", str(self._log)]
        with (self._folder / "said.log").open("wb") as said:
            return subprocess.Popen(
                ["sipp", *words, *settings],
                cwd=self._folder,
                env={**os.environ, "TERM": "dumb"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )


class Calls(_Run):
    """``count`` calls at a time, each ``seconds`` long; inside the block all of them have been answered."""

    def __init__(self, address: str, count: int = 20, seconds: float = 30.0, extension: str = LONG) -> None:
        super().__init__(address, extension, seconds, ["-m", f"{count}", "-l", f"{count}", "-r", "50"])
        self._count, self._seconds = count, seconds

    def __enter__(self) -> Self:
        try:
            self._wait_answered()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait(self) -> Tally:
        """Wait until every call is over and return how they went."""
        return self._finish(self._seconds + 3 * _PATIENCE)

    def listen(self, packets: int) -> int:
        """Wait until so many packets more were heard, or none come any more; return how many were."""
        before = self._packets()
        return listen(self._packets, before + packets) - before

    def hang_up(self) -> None:
        """Have the caller end each call now: a message within it, which SIPp waits for, tells it to."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            for call in _ANSWERED.finditer(self._log.read_text()):
                lines = [*_ENOUGH, f"Call-ID: {call['id']}", "", ""]
                line.sendto("\r\n".join(lines).encode(), (network.HOST, int(call["port"])))

    def _packets(self) -> int:
        return sum(stream.packets for stream in self._echo.streams)

    def _wait_answered(self) -> None:
        deadline = time.monotonic() + 2 * _PATIENCE
        while len((tally := self.tally()).answered) < self._count:
            if tally.failed or self._sipp.poll() is not None or time.monotonic() > deadline:
                raise self._failure(f"Of {self._count} calls {len(tally.answered)} were answered.")
            time.sleep(0.02)


class Prober(_Run):
    """A short call every ``interval`` seconds, whatever became of those before."""

    def __init__(self, address: str, interval: float = 0.1, extension: str = SHORT) -> None:
        rhythm = ["-r", "1", "-rp", f"{round(interval * 1000)}", "-l", "1000"]
        super().__init__(address, extension, 0.01, rhythm)
        self._began = time.time()

    def stop(self) -> Tally:
        """Make no more calls, let the last ones end, and return how all went."""
        self._sipp.send_signal(signal.SIGUSR1)
        return self._finish(4 * _PATIENCE)

    def longest_gap(self) -> float:
        """Return the longest span in seconds, from the beginning to now, without an answered call."""
        return self.tally().longest_gap(self._began, time.time())


def call(address: str, extension: str = LONG, packets: int = 25) -> Tally:
    """Make one call, hang up when so many packets were heard, and return how it went.

    A call that falls silent before has fewer. Raises SwitchroomError if it is not answered.
    """
    with Calls(address, 1, HELD_SECONDS, extension) as calls:
        calls.listen(packets)
        calls.hang_up()
        return calls.wait()
