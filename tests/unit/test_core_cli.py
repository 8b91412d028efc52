"""The door: failures become words, JSON and exit codes, never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from switchroom.cli import catalog, status
from switchroom.cli import main as door
from switchroom.cli.context import add_command
from switchroom.core.errors import ExitCode, SwitchroomError


def run_with(monkeypatch: pytest.MonkeyPatch, error: BaseException, *flags: str) -> int:
    def fail(args: object, context: object) -> int:
        raise error

    monkeypatch.setattr(status, "register", lambda sub, _words: add_command(sub, "boom", fail, "fails"))
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


def test_what_nobody_expected_is_one_error_and_where_it_was_is_told_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert run_with(monkeypatch, ValueError("odd")) == 1
    assert "ValueError: odd" in (text := capsys.readouterr().err)
    assert "--verbose" in text
    assert "Traceback" not in text
    with caplog.at_level("DEBUG"):
        run_with(monkeypatch, ValueError("odd"), "--verbose")
    assert "Traceback" in caplog.text


_KILL_AT_IMPORT = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            os.kill(os.getpid(), getattr(signal, os.environ["INTERRUPT_BY"]))
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize(
    ("by", "at", "flags"),
    [("SIGINT", "argparse", []), ("SIGTERM", "argparse", ["--json"]), ("SIGINT", "yaml", [])],
)
def test_interrupt_while_it_starts_ends_with_a_word(
    tmp_path: Path, at: str, by: str, flags: List[str]
) -> None:
    (tmp_path / "sitecustomize.py").write_text(_KILL_AT_IMPORT)
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "switchroom", "catalog", "list", *flags],
        env={**os.environ, "PYTHONPATH": paths, "INTERRUPT_AT": at, "INTERRUPT_BY": by},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130
    assert done.stderr == ("" if flags else "error: Interrupted.\n")
    assert not flags or json.loads(done.stdout)["exit_code"] == 130
