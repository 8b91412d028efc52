"""Asking Asterisk's console, with programs in its place that fail in the ways it does, or on purpose."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Callable, Iterator, List

import pytest

from switchroom.box.console import Console
from switchroom.core.errors import SwitchroomError

GREETING = b"pbx/812/22.10.1\n"
Answer = Callable[[socket.socket, bytes], None]


class Listener:
    """Takes connections on ``path`` and keeps what it was asked; ``answer`` gets each one."""

    def __init__(self, path: Path, answer: Answer, greeting: bytes = GREETING, waiting: int = 2) -> None:
        self.path, self.asked = path, []  # type: Path, List[bytes]
        self._answer, self._greeting = answer, greeting
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(waiting)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            line, _address = self._socket.accept()
            threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(line):
            line.sendall(self._greeting)
            said = line.recv(512)  # as much as Asterisk reads
            self.asked.append(said)
            self._answer(line, said)


def says(text: bytes) -> Answer:
    return lambda line, _said: line.sendall(text)


@pytest.fixture
def place() -> Iterator[Path]:
    """A path that is short enough for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="ctl") as folder:
        yield Path(folder) / "asterisk.ctl"


def test_a_command_goes_out_in_one_piece_and_colours_are_taken_away(place: Path) -> None:
    listener = Listener(place, says(b"\033[1;32mAsterisk 22\033[0m\n"))
    assert Console(place).ask("core show version; id") == "Asterisk 22"
    assert listener.asked == [b"cli quit after core show version; id\0"]


def test_lines_of_the_log_are_no_answer(place: Path) -> None:
    Listener(place, says("\u00e9t\u00e9\n".encode() + b"\xfd  == Remote UNIX connection\nlast\n"))
    assert Console(place).ask("core show help") == "\u00e9t\u00e9\nlast"


def test_a_command_that_no_module_brings_is_known_as_such(place: Path) -> None:
    Listener(place, says(b"No such command 'sip show peers' (type 'core show help ...')\n"))
    assert Console(place).known("sip show peers") is None


def test_nobody_listening_is_an_error_that_says_so(place: Path) -> None:
    with pytest.raises(SwitchroomError) as failed:
        Console(place).ask("core show version")
    assert "does not answer 'core show version'" in failed.value.message
    assert str(place) in failed.value.cause


@pytest.mark.parametrize("greeting", [GREETING, b""], ids=["answer", "greeting"])
def test_a_console_that_accepts_and_never_speaks_is_given_up(place: Path, greeting: bytes) -> None:
    Listener(place, lambda _line, _said: time.sleep(60), greeting)
    begin = time.monotonic()
    with pytest.raises(SwitchroomError, match=r"answer to 'core waitfullybooted' took longer than 1 s"):
        Console(place).ask("core waitfullybooted", timeout=0.6)
    assert time.monotonic() - begin < 5


def test_an_endless_answer_is_given_up(place: Path) -> None:
    def flood(line: socket.socket, _said: bytes) -> None:
        while True:
            line.sendall(b"x" * 65536)

    Listener(place, flood)
    with pytest.raises(SwitchroomError) as failed:
        Console(place).ask("core show channels concise", timeout=30)
    assert "longer than" in failed.value.cause


def test_one_that_trickles_is_given_up_when_the_time_is_over(place: Path) -> None:
    def trickle(line: socket.socket, _said: bytes) -> None:
        while True:
            line.sendall(b"x")
            time.sleep(0.05)

    Listener(place, trickle)
    begin = time.monotonic()
    with pytest.raises(SwitchroomError, match="took longer"):
        Console(place).ask("core show version", timeout=0.5)
    assert time.monotonic() - begin < 5


def test_another_program_is_told_nothing(place: Path) -> None:
    listener = Listener(place, says(b"done\n"), b"220 ready\n")
    with pytest.raises(SwitchroomError) as failed:
        Console(place).ask("core show version")
    assert "220 ready" in failed.value.cause
    assert listener.asked in ([], [b""])


def test_no_link_is_followed(place: Path) -> None:
    listener = Listener(place.with_name("other"), says(b"owned\n"))
    place.symlink_to(listener.path)
    with pytest.raises(SwitchroomError) as failed:
        Console(place).ask("core show version")
    assert "not a socket" in failed.value.cause
    assert listener.asked == []


def test_many_who_ask_at_once_all_get_an_answer(place: Path) -> None:
    Listener(place, says(b"fine\n"), waiting=0)
    answers: List[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(Console(place).ask("core show version")))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["fine"] * 20


@pytest.mark.parametrize("command", ["x" * 600, "core\0stop"])
def test_what_asterisk_would_not_read_as_one_command_is_not_sent(place: Path, command: str) -> None:
    listener = Listener(place, says(b"fine\n"))
    with pytest.raises(SwitchroomError) as failed:
        Console(place).ask(command)
    assert "no NUL" in failed.value.cause
    assert listener.asked == []


def test_the_end_of_asterisk_ends_the_answer(place: Path) -> None:
    def die(line: socket.socket, _said: bytes) -> None:
        line.sendall(b"Waiting for inactivity to perform halt\n")

    Listener(place, die)
    assert Console(place).ask("core stop gracefully").startswith("Waiting")
