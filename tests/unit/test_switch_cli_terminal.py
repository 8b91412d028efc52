"""The menu, the question and Ctrl-C on a real terminal: the command runs below a pty, 80 columns wide."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Iterator, List

import pytest

from switchroom.box.paths import Paths

TESTS = Path(__file__).parents[1]
SECONDS = 30.0


class Screen:
    """The command on a terminal of its own."""

    def __init__(self, root: Path, *words: str) -> None:
        self.text = ""
        self._seen = 0
        self._fd, inner = os.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.fake_switch", str(root), *words],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env={**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent / 'src'}"},
        )
        os.close(inner)

    def expect(self, text: str) -> None:
        """Read until ``text`` was shown after what was expected before."""
        deadline = time.monotonic() + SECONDS
        while text not in self.text[self._seen :]:
            assert time.monotonic() < deadline, f"'{text}' was never shown:\n{self.text}"
            assert self._read(), f"ended without showing '{text}':\n{self.text}"
        self._seen = self.text.index(text, self._seen) + len(text)

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        return self._process.wait(SECONDS)

    def lines(self) -> List[str]:
        return self.text.replace("\r", "").split("\n")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._fd)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._fd], [], [], SECONDS)
        assert ready, f"nothing more was shown:\n{self.text}"
        try:
            data = os.read(self._fd, 4096)
        except OSError:  # the other end was closed
            return False
        self.text += data.decode()
        return bool(data)


@pytest.fixture
def screens() -> Iterator[List[Screen]]:
    opened: List[Screen] = []
    yield opened
    for screen in opened:
        screen.close()


def test_menu_dry_run_question_switch(tmp_path: Path, screens: List[Screen]) -> None:
    screen = Screen(tmp_path)
    screens.append(screen)
    screen.expect("Asterisk 22.10.1-1 is active.")
    screen.expect("Choose: ")
    table = screen.lines()
    assert [line.split() for line in table if line.startswith("  1")] == [
        ["1", "Asterisk", "22", "(LTS)", "22.11.0-1", "22.10.1-1", "active", "until", "2029-10-16"]
    ]
    assert any("20.21.0-1" in line and "previous" in line and "(security)" in line for line in table)
    assert any("16.30.1-1" in line and "ended 2023-10-09" in line for line in table)
    assert "  r  go back to Asterisk 20.21.0-1" in table
    assert max(map(len, table)) <= 80
    screen.type("9\n")
    screen.expect("Choose: ")
    screen.type("1\n")
    screen.expect("Expected outage: about 1.2 s")
    screen.expect("back to 22.10.1-1 by itself.")
    screen.expect("Go on? [y/N] ")
    screen.type("y\n")
    screen.expect("Done: Asterisk 22.11.0 answers.")
    assert screen.end() == 0
    assert "[+] Install the packages" in screen.text


def test_no_is_the_default_answer(tmp_path: Path, screens: List[Screen]) -> None:
    screen = Screen(tmp_path, "22")
    screens.append(screen)
    screen.expect("Go on? [y/N] ")
    screen.type("\n")
    screen.expect("Nothing was changed.")
    assert screen.end() == 0
    assert not Paths(tmp_path).plan.exists()


def test_yes_on_the_command_line_asks_nothing(tmp_path: Path, screens: List[Screen]) -> None:
    screen = Screen(tmp_path, "22", "--yes")
    screens.append(screen)
    screen.expect("Done: Asterisk 22.11.0 answers.")
    assert screen.end() == 0
    assert "Go on?" not in screen.text


@pytest.mark.parametrize("answer", ["q\n", "\x04"])
def test_quitting_the_menu_changes_nothing(tmp_path: Path, screens: List[Screen], answer: str) -> None:
    screen = Screen(tmp_path)
    screens.append(screen)
    screen.expect("Choose: ")
    screen.type(answer)
    assert screen.end() == 0
    assert not Paths(tmp_path).plan.exists()


def test_rollback_and_status_are_in_the_menu(tmp_path: Path, screens: List[Screen]) -> None:
    screen = Screen(tmp_path)
    screens.append(screen)
    screen.expect("Choose: ")
    screen.type("r\n")
    screen.expect("From Asterisk 22.10.1-1 to 20.21.0-1")
    screen.expect("Go on? [y/N] ")
    screen.type("n\n")
    assert screen.end() == 0
    screen = Screen(tmp_path / "other")
    screens.append(screen)
    screen.expect("Choose: ")
    screen.type("s\n")
    screen.expect("Selected:  Asterisk 22.10.1-1")
    assert screen.end() == 0


def test_first_interrupt_asks_to_give_up_and_second_stops_watching(
    tmp_path: Path, screens: List[Screen]
) -> None:
    screen = Screen(tmp_path, "22", "--yes", "--slow")
    screens.append(screen)
    screen.expect("[>] Install the packages")
    screen.interrupt()
    screen.expect("Asked to give up, if nothing was stopped yet.")
    plan_id = (Paths(tmp_path).runtime / "cancel").read_text()
    assert plan_id
    screen.interrupt()
    screen.expect("Not watching any more; it goes on. Look with: switchroom status --follow")
