"""A block that takes too long is ended, and a process that does not hear is killed."""

import contextlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from switchroom.core import process
from switchroom.core.errors import SwitchroomError
from switchroom.core.timelimit import limited


def test_what_takes_too_long_is_an_error_with_its_name() -> None:
    begin = time.monotonic()
    with (
        pytest.raises(SwitchroomError, match="The step 'x' took longer than 0 s"),
        limited(0.3, "The step 'x'"),
    ):
        time.sleep(60)
    assert time.monotonic() - begin < 10
    time.sleep(0.2)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_what_is_in_time_goes_on_and_its_own_errors_pass() -> None:
    with limited(60, "x"):
        pass
    with pytest.raises(ValueError, match="mine"), limited(60, "x"):
        raise ValueError("mine")
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_who_goes_on_after_an_error_does_not_go_on_after_this() -> None:
    def stubborn() -> None:
        while True:
            with contextlib.suppress(SwitchroomError, OSError):
                process.run(["sleep", "60"])

    with pytest.raises(SwitchroomError, match="took longer"), limited(0.3, "x"):
        stubborn()


def test_who_hears_nothing_is_killed() -> None:
    program = """
import contextlib, time
from switchroom.core.timelimit import limited
with limited(0.2, "x", grace=0.5):
    while True:
        with contextlib.suppress(Exception):
            time.sleep(60)
"""
    assert (
        subprocess.run([sys.executable, "-c", program], check=False, timeout=20).returncode == -signal.SIGALRM
    )


def test_another_thread_has_no_limit() -> None:
    ended = []

    def work() -> None:
        with limited(0.01, "x"):
            time.sleep(0.1)
        ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended
