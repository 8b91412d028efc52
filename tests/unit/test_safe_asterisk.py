"""safe_asterisk waits for a switch, and for nobody who only holds the lock."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path
from typing import Callable, Iterator

import pytest

ROOT = Path(__file__).parents[2]
# Says who the worker is, and notes what it is asked to start.
SYSTEMCTL = '#!/bin/sh\ncase $1 in\nshow) cat "{0}/worker" ;;\n*) echo "$*" >>"{0}/asked" ;;\nesac\n'

Safe = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def safe(tmp_path: Path) -> Safe:
    """Run it, with a wait of a second and a systemctl that only notes."""
    (tmp_path / "run").mkdir()
    (tmp_path / "bin").mkdir()
    script = (ROOT / "rpmspecs/asterisk-common/safe_asterisk").read_text()
    script = script.replace("/run/switchroom", str(tmp_path / "run")).replace("seconds=60", "seconds=1")
    (tmp_path / "bin/systemctl").write_text(SYSTEMCTL.format(tmp_path))
    (tmp_path / "bin/systemctl").chmod(0o755)

    def run(worker: int = 0) -> subprocess.CompletedProcess[str]:
        (tmp_path / "worker").write_text(f"{worker}\n")
        path = f"{tmp_path}/bin:{os.environ['PATH']}"
        return subprocess.run(
            ["sh", "-c", script, "safe_asterisk"],
            env={"PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )

    return run


@pytest.fixture
def holder(tmp_path: Path, safe: Safe) -> Iterator[int]:
    """Hold the lock as another process."""
    path = tmp_path / "run/asterisk.lock"
    with subprocess.Popen(["flock", path, "-c", "echo held; sleep 60"], stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"held\n"
        path.write_text(f"{child.pid}\n")
        yield child.pid
        subprocess.run(["pkill", "-P", str(child.pid)], check=False)
        child.kill()


def asked(tmp_path: Path) -> str:
    file = tmp_path / "asked"
    return file.read_text() if file.exists() else ""


def test_nothing_holds_the_lock(tmp_path: Path, safe: Safe) -> None:
    done = safe()
    assert (done.returncode, done.stderr) == (0, "")
    assert asked(tmp_path) == "start --no-block asterisk.service\n"
    lock = tmp_path / "run/asterisk.lock"
    assert lock.stat().st_mode & 0o777 == 0o600
    with lock.open() as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it does not hold it any more


def test_the_worker_of_a_switch_starts_asterisk_itself(tmp_path: Path, safe: Safe, holder: int) -> None:
    done = safe(worker=holder)
    assert done.returncode == 1
    assert "it starts Asterisk itself" in done.stderr
    assert asked(tmp_path) == ""


@pytest.mark.parametrize("worker", [0, os.getpid()], ids=["no worker", "another worker"])
def test_a_lock_alone_keeps_nobody_from_dial_tone(
    tmp_path: Path, safe: Safe, holder: int, worker: int
) -> None:
    done = safe(worker=worker)
    assert done.returncode == 0
    assert "by no switch" in done.stderr
    assert asked(tmp_path) == "start --no-block asterisk.service\n"


def test_the_worker_that_has_no_lock_is_started_again() -> None:
    unit = (ROOT / "rpmspecs/switchroom/switchroom-resume.service").read_text().splitlines()
    assert "RestartForceExitStatus=3" in unit
    assert "SuccessExitStatus=1 4" in unit
