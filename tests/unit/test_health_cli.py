"""``switchroom health``: when it refuses, its files, its exit codes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from switchroom.box.health.baseline import Baseline
from switchroom.box.health.report import Check, Report
from switchroom.box.paths import Paths
from switchroom.cli import health
from switchroom.cli.main import main

WELL = Report((Check("process", True, 0.1, "runs"),), 0.1)
ILL = Report((Check("process", False, 0.1, "is inactive"),), 0.1)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with an Asterisk, judged by a root user."""
    (tmp_path / "usr/sbin").mkdir(parents=True)
    (tmp_path / "usr/sbin/asterisk").symlink_to("/nowhere")
    monkeypatch.setattr(health, "Paths", lambda: Paths(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(health, "measure", lambda *_given: WELL)
    monkeypatch.setattr(health, "capture", lambda *_given: Baseline(ami="login"))
    return tmp_path


@pytest.mark.parametrize(("report", "code"), [(WELL, 0), (ILL, 1)])
def test_the_exit_code_is_the_verdict(
    box: Path, report: Report, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(health, "measure", lambda *_given: report)
    assert main(["health", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["healthy"] is (code == 0)


def test_what_cannot_be_judged_has_an_exit_code_of_its_own(
    box: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (box / "usr/sbin/asterisk").unlink()
    assert main(["health"]) == 3
    assert "No Asterisk is installed" in capsys.readouterr().err
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["health"]) == 3
    assert "Only root" in capsys.readouterr().err


def test_a_baseline_that_was_saved_is_compared_with(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(health, "measure", lambda *given: seen.append(given[2]) or WELL)
    file = box / "baseline.json"
    assert main(["health", "--save-baseline", str(file)]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert main(["health", "--baseline", str(file)]) == 0
    assert seen == [None, Baseline(ami="login")]


def test_an_ill_box_gives_no_baseline(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "measure", lambda *_given: ILL)
    assert main(["health", "--save-baseline", str(box / "baseline.json")]) == 1
    assert not (box / "baseline.json").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"colour": "red"}', '{"transports": [1]}'])
def test_a_file_that_is_no_baseline_is_refused(
    box: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (box / "file").write_text(text)
    assert main(["health", "--baseline", str(box / "file")]) == 2
    assert f"The baseline '{box / 'file'}' cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["-1", "soon", "nan", "90000"])
def test_a_wait_that_makes_no_sense_is_refused(box: Path, seconds: str) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["health", "--wait", seconds])
    assert refused.value.code == 2
