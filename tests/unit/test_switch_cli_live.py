"""The list of steps: redrawn on a terminal, plain lines in a log."""

from __future__ import annotations

import datetime
import io
import re
from typing import Any, Dict

from switchroom.cli.switch_live import StepList


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def step(name: str, state: str, text: str = "", ago: float = 0.0) -> Dict[str, Any]:
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=ago)
    return {"event": "step", "step": name, "state": state, "text": text, "time": then.isoformat()}


def drain(calls: Any, left: float, refusing: bool) -> Dict[str, Any]:
    return {"event": "drain", "calls": calls, "left": left, "refusing": refusing}


def test_log_gets_one_line_a_change_and_no_escape_sequences() -> None:
    log = io.StringIO()
    steps = StepList(log)
    for event in (
        step("drain", "begin"),
        drain(2, 600, True),
        drain(2, 599, True),
        {"event": "note", "text": "Maintenance mode is on."},
        drain(1, 598, True),
        step("drain", "done", "no call is left"),
        step("stop", "failed"),
    ):
        steps.take(event)
    steps.tick()
    assert re.sub(r"\d\.\d s", "N s", log.getvalue()).splitlines() == [
        "Wait for calls to end ...",
        "  2 calls, 600 s left, new ones refused",
        "  Maintenance mode is on.",
        "  1 call, 598 s left, new ones refused",
        "Wait for calls to end: done (no call is left), N s",
        "Stop the old engine: FAILED, N s",
    ]


def test_clock_that_was_set_back_makes_no_step_end_before_it_began() -> None:
    log = io.StringIO()
    steps = StepList(log)
    for event in (step("drain", "begin"), step("drain", "done", "no call is left", ago=5)):
        steps.take(event)
    assert log.getvalue().endswith("done (no call is left), 0.0 s\n")


def last_screen(text: str) -> str:
    return text.rpartition("A\r")[2]


def test_terminal_shows_all_steps_with_their_state_in_place() -> None:
    screen = Terminal()
    steps = StepList(screen)
    steps.take(step("packages", "begin"))
    steps.take(step("packages", "done", "4 packages"))
    steps.take(step("drain", "begin"))
    steps.take(drain(1, 12.4, True))
    text = last_screen(screen.getvalue())
    assert "[+] Install the packages" in text
    assert "4 packages" in text
    assert "[>] Wait for calls to end" in text
    assert "1 call, 12 s left, new ones refused" in text
    assert "[ ] Start the new engine" in text
    assert screen.getvalue().count("\x1b[8A") == 3
    assert max(len(line.replace("\x1b[K", "").strip("\r")) for line in text.splitlines()) < 80


def test_a_rollback_adds_its_steps() -> None:
    screen = Terminal()
    steps = StepList(screen)
    steps.take(step("health", "failed", "no answer to SIP"))
    steps.take(step("flip-back", "begin"))
    assert "[!] Check the health" in last_screen(screen.getvalue())
    assert "[>] Select the old engine" in last_screen(screen.getvalue())


def test_calls_that_cannot_be_counted_are_not_called_none() -> None:
    screen = Terminal()
    steps = StepList(screen)
    steps.take(step("drain", "begin"))
    steps.take(drain(None, 3, False))
    assert "calls not known, 3 s left" in screen.getvalue()


def test_a_step_that_was_given_up_stops_counting() -> None:
    screen = Terminal()
    steps = StepList(screen)
    steps.take(step("drain", "begin"))
    steps.say("Asked to give up.")
    steps.take(step("calm", "begin"))
    text = last_screen(screen.getvalue())
    assert "[-] Wait for calls to end" in text
    assert "[>] Take calls as before" in text
    assert text.endswith("  Asked to give up.\n")


def test_who_comes_late_is_told_the_true_times() -> None:
    log = io.StringIO()
    steps = StepList(log)
    steps.take(step("drain", "begin", ago=65.04))
    steps.take(step("drain", "done", ago=5.0))
    assert "Wait for calls to end: done, 60.0 s" in log.getvalue()
