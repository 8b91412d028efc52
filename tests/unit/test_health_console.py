"""Asking Asterisk's console, with programs in its place that fail in the ways it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchroom.box.console import Console
from switchroom.core.errors import SwitchroomError


def console(folder: Path, script: str) -> Console:
    program = folder / "asterisk"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Console(program)


def test_the_command_is_one_argument_and_colours_are_taken_away(tmp_path: Path) -> None:
    asked = console(tmp_path, r"""printf '\033[1;32m%s|%s\033[0m\n' "$1" "$2" """)
    assert asked.ask("core show version; id") == "-rx|core show version; id"


@pytest.mark.parametrize("code", [0, 1])
def test_nobody_listening_is_an_error_that_says_so(tmp_path: Path, code: int) -> None:
    text = "Unable to connect to remote asterisk (does /run/asterisk/asterisk.ctl exist?)"
    with pytest.raises(SwitchroomError) as failed:
        console(tmp_path, f"echo '{text}' >&2; exit {code}").ask("core show version")
    assert "does not answer 'core show version'" in failed.value.message
    assert failed.value.cause == text


def test_a_console_that_accepts_and_never_answers_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(SwitchroomError, match=r"answer to 'core waitfullybooted' took longer than 1 s"):
        console(tmp_path, "sleep 600").ask("core waitfullybooted", timeout=0.6)


def test_no_asterisk_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SwitchroomError, match="Missing on this machine"):
        Console(tmp_path / "absent").ask("core show version")
