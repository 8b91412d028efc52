"""The timer that renews a repository: systemd takes its units, and the tool the command in them."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from switchroom.build.repo.binding import VALID_DAYS
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode

UNITS = Path(__file__).parents[2] / "scripts/repo-renew"
DOCUMENT = Path(__file__).parents[2] / "docs/repositories.md"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in UNITS.iterdir():
        shutil.copy(unit, tmp_path)
    units = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert not [line for line in done.stderr.splitlines() if "repo-renew" in line]


def test_the_timer_comes_by_many_times_before_metadata_are_out_of_date() -> None:
    timer = configparser.ConfigParser()
    timer.read(UNITS / "switchroom-repo-renew.timer")
    assert timer["Timer"]["OnCalendar"] == "daily"
    assert VALID_DAYS > 7


def test_the_tool_takes_the_command_with_the_documented_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNITS / "switchroom-repo-renew.service")
    (line,) = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("echo 'OPTIONS=")]
    options = line.split("'")[1].removeprefix("OPTIONS=").replace("/srv/repo", str(tmp_path))
    words = unit["Service"]["ExecStart"].replace("$OPTIONS", options).split()
    assert words[:2] == ["/usr/bin/env", "switchroom"]
    words[words.index("FINGERPRINT")] = "0" * 40
    assert main(words[2:]) == ExitCode.USAGE
    assert "GnuPG home '/etc/pki/release' does not exist" in capsys.readouterr().err
