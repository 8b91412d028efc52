"""asterisk.service through systemctl: a crash is seen at once, a hang in time, nothing is half started."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, List

import pytest

from switchroom.box.switch import unit
from switchroom.box.switch.unit import Unit
from switchroom.core.errors import SwitchroomError

# Answers "show" with the next of the prepared states (the last one again and again), and notes each call.
_SYSTEMCTL = """#!/bin/sh
cd '{folder}' || exit 1
[ "$1" != show ] && {{ echo "$*" >> calls; [ ! -e "slow-$1" ] || sleep 30; exit 0; }}
next=$(ls states | head -n 1)
cat "states/$next"
[ "$(ls states | wc -l)" -eq 1 ] || rm "states/$next"
"""

Prepare = Callable[..., Unit]


@pytest.fixture
def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepare:
    """Return a unit whose systemd goes through the states given, as ``active/sub pid restarts job``."""
    for name, script in (
        ("systemctl", _SYSTEMCTL.format(folder=tmp_path)),
        ("journalctl", "#!/bin/sh\necho said"),
    ):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(unit, "_POLL_SECONDS", 0.01)

    def made(*states: str) -> Unit:
        (tmp_path / "states").mkdir()
        for number, state in enumerate(states):
            words, pid, restarts, job = state.split()
            active, sub = words.split("/")
            (tmp_path / "states" / f"{number:03}").write_text(
                f"MainPID={pid}\nNRestarts={restarts}\nExecMainStatus=6\nActiveState={active}\nSubState={sub}\n"
                f"Result={'signal' if 'auto' in sub or active == 'failed' else 'success'}\nJob={job}\n"
            )
        return Unit(proc=tmp_path / "proc")

    return made


def calls(tmp_path: Path) -> List[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_a_start_ends_when_asterisk_is_fully_booted(prepare: Prepare, tmp_path: Path) -> None:
    assert prepare("active/running 5 0 0").start(5).pid == 5
    assert calls(tmp_path) == ["start asterisk.service"]


@pytest.mark.parametrize(
    "crash",
    ["activating/auto-restart 0 0 0", "failed/failed 0 0 0", "activating/start 9 1 7", "inactive/dead 0 0 0"],
)
def test_a_crash_is_seen_at_once_and_systemd_stops_trying(
    prepare: Prepare, tmp_path: Path, crash: str
) -> None:
    with pytest.raises(SwitchroomError, match="ended while it started") as ended:
        prepare(crash).start(60)
    assert ended.value.cause == "said"
    assert calls(tmp_path) == ["start asterisk.service", "stop asterisk.service"]


def test_an_old_restart_of_the_service_is_no_crash(prepare: Prepare) -> None:
    assert prepare("active/running 5 3 0").start(5).up


def test_a_start_that_hangs_is_ended_after_its_limit(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "slow-start").touch()
    with pytest.raises(SwitchroomError, match="not fully booted within"):
        prepare("activating/start 5 0 7").start(0.1)
    assert calls(tmp_path) == ["start asterisk.service", "stop asterisk.service"]


def test_time_in_systemds_queue_does_not_count(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "slow-start").touch()
    queued = ["inactive/dead 0 0 7"] * 3
    assert prepare(*queued, "active/running 5 0 0").start(0.1).up


def test_a_stop_that_hangs_ends_by_force_and_says_so(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "slow-stop").touch()
    asterisk = prepare("deactivating/stop-sigterm 5 0 7", "failed/failed 0 0 0")
    assert asterisk.stop(0.3) is True
    assert calls(tmp_path) == [
        "stop asterisk.service",
        "kill --signal=SIGKILL --kill-who=all asterisk.service",
    ]


def test_the_engine_that_runs_is_told_from_its_program(prepare: Prepare, tmp_path: Path) -> None:
    asterisk = prepare("active/running 5 0 0")
    assert asterisk.running() is None
    (tmp_path / "proc/5").mkdir(parents=True)
    os.symlink("/usr/lib64/switchroom/engines/22.10.1-2/sbin/asterisk (deleted)", tmp_path / "proc/5/exe")
    engine = asterisk.running()
    assert engine
    assert (engine.version, engine.build) == ("22.10.1", 2)
