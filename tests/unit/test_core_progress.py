"""Progress as a person sees it: a live bar on a terminal, plain lines in a log."""

import io
import json
import re

import pytest

from switchroom.core.progress import Reporter


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_log_gets_plain_lines_only() -> None:
    log = io.StringIO()
    with Reporter(log).step("Copying", total=2) as step:
        step.advance(1)
        step.note("2 files")
    assert re.fullmatch(r"Copying \.\.\.\nCopying: done \(2 files\), \d+\.\d s\n", log.getvalue())


def test_terminal_gets_one_line_that_is_redrawn() -> None:
    screen = Terminal()
    with Reporter(screen).step("Copying", total=4) as step:
        step.advance(2)
        step.note("half")
    assert "[############............]  50% half" in screen.getvalue()
    assert screen.getvalue().count("\n") == 1


def test_failed_step_says_so() -> None:
    log = io.StringIO()
    with pytest.raises(ValueError, match="boom"), Reporter(log).step("Copying"):
        raise ValueError("boom")
    assert "Copying: FAILED" in log.getvalue()


def test_quiet_reporter_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter(quiet=True)
    with reporter.step("Copying") as step:
        step.advance(1)
    reporter.warn("careful")
    assert capsys.readouterr() == ("", "")


def test_program_gets_a_json_object_a_line_with_every_warning() -> None:
    stream = Terminal()
    reporter = Reporter(stream, events=True)

    def copy() -> None:
        with reporter.step("Copying", total=4) as step:
            step.note("half")
            reporter.warn("careful:\nhot")
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        copy()
    reporter.say("a word")
    begin, progress, warning, end, message = map(json.loads, stream.getvalue().splitlines())
    assert begin == {"event": "begin", "step": "Copying", "total": 4}
    assert progress == {"event": "progress", "step": "Copying", "total": 4, "done": 0, "note": "half"}
    assert warning == {"event": "warning", "text": "careful:\nhot"}
    assert (end["event"], end["ok"], end["note"]) == ("end", False, "half")
    assert message == {"event": "message", "text": "a word"}


def test_a_programs_progress_is_told_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, now = io.StringIO(), [0.0]
    monkeypatch.setattr("switchroom.core.progress.time.monotonic", lambda: now[0])
    with Reporter(stream, events=True).step("Copying", total=9) as step:
        for now[0] in (0.2, 0.9, 1.1, 1.2, 2.5):
            step.advance(1)
    assert [json.loads(line).get("done") for line in stream.getvalue().splitlines()] == [None, 3, 5, None]
