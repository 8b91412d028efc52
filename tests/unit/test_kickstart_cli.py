"""``switchroom build kickstart`` as a release engineer meets it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from switchroom.cli.main import main

pytest.importorskip("switchroom.build")  # where it is left out, as on a box, there is no such command


def build(out: Path, *arguments: str) -> int:
    return main(["build", "kickstart", "--volume-id", "PBX", "--out", str(out), *arguments])


@pytest.mark.parametrize("el", ["9", "10"])
def test_a_checked_kickstart_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str], el: str) -> None:
    out = tmp_path / "ks.cfg"
    words = ["--series", "22", "--series", "20", "--timezone", "Europe/Berlin", "--el", el, "--json"]
    assert build(out, *words) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["packages_checked"] is False
    assert (result["versions"], result["default"]) == (["22", "20"], "22")
    assert "timezone Europe/Berlin --utc\n" in out.read_text()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_without_series_all_supported_ones_are_on_offer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(tmp_path / "ks.cfg", "--json") == 0
    assert "22" in json.loads(capsys.readouterr().out)["versions"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--series", "8"], "8"),
        (["--ssh-key", "/nonexistent/key.pub"], "/nonexistent/key.pub"),
        (["--timezone", "Mars/Olympus"], "Mars/Olympus"),
        (["--el", "7"], "Enterprise Linux '7'"),
    ],
)
def test_bad_usage_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    out = tmp_path / "ks.cfg"
    assert build(out, *arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "hint:" in error
    assert list(tmp_path.iterdir()) == []


def test_an_existing_output_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ks.cfg"
    out.write_text("mine")
    assert build(out) == 3
    assert "exists" in capsys.readouterr().err
    assert out.read_text() == "mine"
