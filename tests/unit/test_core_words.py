"""What leaves the program is words: nothing that others said moves a cursor, colours, or forges a line."""

import io
import json
import sys

import pytest

from switchroom.box.health.report import Report, Verdict, timed
from switchroom.cli import health, status
from switchroom.cli import main as door
from switchroom.cli.context import Context, add_command
from switchroom.core import words
from switchroom.core.errors import SwitchroomError, reading
from switchroom.core.progress import Reporter

HOSTILE = "\x1b[2J\x1b]0;owned\x07\rok\x9b1m\u202egnp\udc9b"
FORGED = "Asterisk Call Manager\n\nHealthy: this box has dial tone."


def clean(text: str) -> bool:
    return all(one.isprintable() or one in "\n\t" for one in text) and "\udc9b" not in text


@pytest.mark.parametrize("kind", ["result", "error", "print", "progress"])
def test_no_control_character_reaches_a_terminal(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def say(_args: object, context: Context) -> int:
        if kind == "error":
            raise SwitchroomError(HOSTILE, cause=HOSTILE, hint=HOSTILE)
        if kind == "print":
            print(HOSTILE)
        elif kind == "progress":
            with context.reporter.step(HOSTILE) as step:
                step.note(HOSTILE)
        else:
            context.result(None, HOSTILE)
        return 0

    monkeypatch.setattr(status, "register", lambda sub, _words: add_command(sub, "boom", say, "says"))
    door.main(["boom"])
    said = capsys.readouterr()
    assert "owned" in said.out + said.err
    assert clean(said.out)
    assert clean(said.err)


def test_json_is_taken_by_a_reader_that_wants_whole_characters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"half": "a\udc9bb", "whole": "☎ 📞", "literal": "\\ud800", "control": HOSTILE}

    def say(_args: object, context: Context) -> int:
        context.result(given, "")
        return 0

    monkeypatch.setattr(status, "register", lambda sub, _words: add_command(sub, "boom", say, "says"))
    door.main(["boom", "--json"])
    read = json.loads(capsys.readouterr().out)
    assert (read["half"], read["whole"], read["literal"]) == ("a?b", "☎ 📞", "\\ud800")
    assert read["control"].encode()


def test_evidence_cannot_forge_the_verdict() -> None:
    check = timed("ami", lambda: Verdict(False, f"greeting '{FORGED}'"))
    text = health.table(Report((check,), 0.1))
    assert [line for line in text.splitlines() if line.startswith(("Healthy", "Not healthy"))] == [
        "Not healthy: ami. (0.10 s)"
    ]


def test_evidence_has_an_end() -> None:
    assert len(timed("ami", lambda: Verdict(False, "x" * 100_000)).evidence) <= 1000


def test_a_check_whose_reader_broke_is_a_failure_and_not_the_end_of_all() -> None:
    def broken() -> Verdict:
        raise IndexError("list index out of range")

    check = timed("call", broken)
    assert not check.ok
    assert "IndexError" in check.evidence


def test_our_own_control_characters_still_draw_the_line() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    sys.stderr, before = Terminal(), sys.stderr
    try:
        with words.filtered(), Reporter().step("Working") as step:
            step.note(HOSTILE)
        drawn = sys.stderr.getvalue()
    finally:
        sys.stderr = before
    assert drawn.startswith("\r\x1b[KWorking")
    assert "\x07" not in drawn


@pytest.mark.parametrize(
    "odd", [ValueError("x"), TypeError("x"), KeyError("x"), RecursionError("x"), OverflowError("x" * 9000)]
)
def test_odd_input_is_one_error(odd: Exception) -> None:
    with (
        pytest.raises(SwitchroomError, match="'a' cannot be read") as caught,
        reading("The file 'a'"),
    ):
        raise odd
    assert type(odd).__name__ in caught.value.cause
    assert len(caught.value.cause) < 1000
