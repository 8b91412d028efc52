"""The door: failures become words, JSON and exit codes, never a traceback."""

import json
import subprocess
import sys

import pytest

from switchroom.cli import catalog
from switchroom.cli import main as door
from switchroom.cli.context import add_command
from switchroom.core.errors import ExitCode, SwitchroomError


def run_with(monkeypatch: pytest.MonkeyPatch, error: BaseException, *flags: str) -> int:
    def fail(args: object, context: object) -> int:
        raise error

    monkeypatch.setattr(catalog, "register", lambda sub, _words: add_command(sub, "boom", fail, "fails"))
    return door.main(["boom", *flags])


def test_error_has_message_cause_hint_and_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = SwitchroomError("It broke.", cause="line 1\nline 2", hint="Mend it.", code=ExitCode.REFUSED)
    assert run_with(monkeypatch, error) == 3
    assert capsys.readouterr() == ("", "error: It broke.\n  | line 1\n  | line 2\n  hint: Mend it.\n")


def test_error_as_json_goes_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_with(monkeypatch, SwitchroomError("It broke.", hint="Mend it."), "--json") == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"error": "It broke.", "cause": "", "hint": "Mend it.", "exit_code": 1}
    assert printed.err == ""


def test_full_disk_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_with(monkeypatch, OSError(28, "No space left on device", "/srv/out.iso")) == 1
    assert "No space left on device at '/srv/out.iso'." in (text := capsys.readouterr().err)
    assert "Free some space" in text


def test_broken_installation_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(subparsers: object, words: object) -> None:
        raise SwitchroomError("The data folder 'kickstart' is missing.", hint="Install switchroom again.")

    monkeypatch.setattr(catalog, "register", broken)
    assert door.main(["catalog", "list"]) == 1
    assert capsys.readouterr().err.startswith("error: The data folder 'kickstart' is missing.")


def test_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_with(monkeypatch, KeyboardInterrupt()) == 130


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        door.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == "switchroom 0.1.0\n"


def test_unknown_command_is_bad_usage() -> None:
    with pytest.raises(SystemExit) as ended:
        door.main(["dial-tone"])
    assert ended.value.code == 2


def test_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m switchroom catalog list --all --json | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
