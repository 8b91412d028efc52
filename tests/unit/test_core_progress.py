"""Progress as a person sees it: a live bar on a terminal, plain lines in a log."""

import io
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
