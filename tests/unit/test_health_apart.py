"""Health is looked at in a process of its own: what hangs there is stopped, and is the finding."""

import dataclasses
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import List

import pytest

from switchroom.box.health import judge
from switchroom.box.health.report import Report
from switchroom.box.limits import Limits, load_limits
from switchroom.box.paths import Paths
from switchroom.box.settings import Settings, load_settings
from switchroom.core import process
from switchroom.core.errors import SwitchroomError

# What a hostile answer once made of a check: a thread that holds the interpreter, so that no signal is heard.
STUCK = """
import re, sys; sys.path.insert(0, sys.argv[1])
from concurrent.futures import ThreadPoolExecutor
from switchroom.box.health import child, look
def stuck(*_words, **_more):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(re.match, "(a+)+b", "a" * 64).result()
look.measure = child.capture = stuck
child.main()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    shipped = load_settings(Paths(tmp_path))
    return dataclasses.replace(shipped, health=dataclasses.replace(shipped.health, site_timeout=0))


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Limits:
    few = dataclasses.replace(load_limits(), look=1.0)
    monkeypatch.setattr(judge, "load_limits", lambda: few)
    return few


def test_a_box_is_judged_by_another_process(tmp_path: Path, settings: Settings) -> None:
    report = judge.measure(Paths(tmp_path), settings)
    assert [check.name for check in report.failed][:1] == ["process"]
    assert "ami" in [check.name for check in report.checks]


def test_each_look_of_a_wait_is_told(tmp_path: Path, settings: Settings) -> None:
    told: List[Report] = []
    report = judge.wait(Paths(tmp_path), settings, None, None, 0.5, tell=told.append)
    assert len(told) > 1
    assert told[-1] == report


def test_an_error_there_is_the_same_error_here(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(SwitchroomError) as caught:
        judge.capture(Paths(tmp_path), settings)
    assert "Asterisk" in caught.value.message or "asterisk" in caught.value.message


def test_a_look_that_hears_no_signal_is_stopped_and_is_the_finding(
    tmp_path: Path, settings: Settings, hurried: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "_START", STUCK)
    begin = time.monotonic()
    told: List[Report] = []
    report = judge.wait(Paths(tmp_path), settings, None, None, 60, tell=told.append)
    assert time.monotonic() - begin < 15
    assert [check.name for check in report.failed] == ["health"]
    assert "did not come to an end" in report.checks[0].evidence
    assert told == [report]
    with pytest.raises(SwitchroomError, match="did not come to an end"):
        judge.capture(Paths(tmp_path), settings)


@pytest.mark.parametrize("code", ["import os; os.abort()", "raise SystemExit(3)", "print('[]'); 1/0", ""])
def test_a_process_that_breaks_off_is_the_finding(
    tmp_path: Path, settings: Settings, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "_START", code)
    assert [check.name for check in judge.measure(Paths(tmp_path), settings).failed] == ["health"]


def test_what_is_told_may_end_the_look(tmp_path: Path, settings: Settings) -> None:
    def crash(_report: Report) -> None:
        raise SwitchroomError("Asterisk crashed.")

    with pytest.raises(SwitchroomError, match="crashed"):
        judge.wait(Paths(tmp_path), settings, None, None, 60, tell=crash)


def test_a_signal_ends_it_though_the_other_process_hears_none(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from switchroom.box.health import judge
from switchroom.box.paths import Paths
from switchroom.box.settings import load_settings
from switchroom.cli.main import _interruptible
judge._START = {STUCK!r}
_interruptible()
print("begun", flush=True)
judge.measure(Paths(Path({str(tmp_path)!r})), load_settings(Paths(Path({str(tmp_path)!r}))))
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as one:
        assert one.stdout
        one.stdout.readline()
        time.sleep(1.0)
        begin = time.monotonic()
        one.send_signal(signal.SIGTERM)
        one.wait(20)
        assert time.monotonic() - begin < 10


def test_a_program_that_says_nothing_is_stopped_and_one_that_speaks_is_not(tmp_path: Path) -> None:
    lines: List[bytes] = []
    speaks = "import time\nfor n in range(6): print(n, flush=True); time.sleep(0.3)"
    assert process.follow([sys.executable, "-c", speaks], lines.append, silence=1.5).returncode == 0
    assert len(lines) == 6
    silent = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    begin = time.monotonic()
    result = process.follow([sys.executable, "-c", silent], lines.append, silence=0.3)
    assert result.returncode == -signal.SIGKILL
    assert time.monotonic() - begin < 10
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
