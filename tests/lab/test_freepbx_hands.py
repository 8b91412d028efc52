"""FreePBX's fwconsole (a fake of it), asterisk.service and the switch never fight over the process."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

from lab.boxes import Box, new_box
from lab.layers import appliance_layer, repository_bind
from support import pbx
from support.boxes import common_repository
from switchroom.box.paths import Paths
from switchroom.box.switch import events

__all__ = ["common_repository"]  # fixture
pytestmark = pytest.mark.lab("systemd-nspawn", "debootstrap", "dnf", "rpmbuild")

FWCONSOLE = Path(__file__).parents[2] / "molecule/lab/fwconsole/fake-fwconsole"
ENGINES = ("22.10.1-1", "99.0.0-1")
MANAGER = "[fwconsole]\nsecret = lab\nread = all\nwrite = all\n"
# Long enough for a restart of Asterisk to fall into it.
SLOW_CHECK = "#!/bin/sh\nsleep 3\n"
# The fake is a FreePBX 16, which no engine of the lab but the oldest is meant for.
ACCEPTED = ("--acknowledge", "freepbx:asterisk")
SECONDS = 120.0


@pytest.fixture(scope="module")
def box(common_repository: Path) -> Iterator[Box]:
    """A box with both engines, that fwconsole may log in to."""
    layer = appliance_layer(common_repository, ("switchroom", "asterisk22", "asterisk99"))
    with new_box("freepbx", [layer], repository_bind(common_repository)) as made:
        pbx.apply(made.root)
        made.copy_in(FWCONSOLE, "/usr/sbin/fwconsole")
        (made.root / "etc/asterisk/manager.d/fwconsole.conf").write_text(MANAGER)
        made.run("chown", "-R", "asterisk:asterisk", "/etc/asterisk/manager.d")
        made.run("systemctl", "restart", "asterisk.service")
        made.run("fwconsole", "setting", "AMPMGRUSER", "fwconsole")
        made.run("fwconsole", "setting", "AMPMGRPASS", "lab")
        yield made


def service(box: Box) -> Dict[str, str]:
    text = box.output("systemctl", "show", "--property=ActiveState,Result,MainPID", "asterisk.service")
    return dict(line.split("=", 1) for line in text.splitlines())


def processes(box: Box) -> List[str]:
    return box.run("pidof", "asterisk", check=False).stdout.decode().split()


def assert_one_owner(box: Box) -> None:
    """Asterisk comes up, once, and the process is the service's."""
    wait_until(box, lambda: service(box)["ActiveState"] == "active")
    state = service(box)
    assert processes(box) == [state["MainPID"]]


def stop_at_once(box: Box) -> None:
    """Stop Asterisk as fwconsole does, which does not wait for its end."""
    box.run("fwconsole", "stop", "--immediate")
    wait_until(box, lambda: processes(box) == [])


def status(box: Box) -> Dict[str, Any]:
    found: Dict[str, Any] = json.loads(box.run("switchroom", "status", "--json", check=False).stdout)
    return found


def test_start_and_stop_of_fwconsole_are_those_of_the_service(box: Box) -> None:
    assert_one_owner(box)
    box.run("fwconsole", "stop")
    assert service(box)["ActiveState"] == "inactive"
    assert service(box)["Result"] == "success"
    assert processes(box) == []
    box.run("fwconsole", "start")
    assert_one_owner(box)


def test_restart_of_fwconsole_leaves_one_process_that_systemd_owns(box: Box) -> None:
    before = processes(box)
    box.run("fwconsole", "restart")
    assert_one_owner(box)
    assert processes(box) != before
    stop_at_once(box)
    box.run("safe_asterisk", "-U", "asterisk", "-G", "asterisk")
    box.run("fwconsole", "start")
    assert_one_owner(box)


def test_a_killed_asterisk_comes_back_once_whoever_starts_it(box: Box) -> None:
    box.run("pkill", "-KILL", "-x", "asterisk")
    box.run("fwconsole", "start")
    assert_one_owner(box)


def test_safe_asterisk_waits_while_a_switch_has_asterisk_stopped(box: Box) -> None:
    stop_at_once(box)
    lock = "exec 9>>/run/switchroom/asterisk.lock; flock 9; touch /run/locked; sleep 3"
    look = "pidof asterisk; echo none=$?"
    start = "until [ -e /run/locked ]; do sleep 0.1; done; safe_asterisk -U asterisk"
    holder = box.run("sh", "-c", f"({lock}; {look}) >/run/held 2>&1 & {start}")
    assert b"'-U asterisk' is ignored" in holder.stderr
    assert box.output("cat", "/run/held") == "none=1", "Asterisk was started while the lock was held"
    assert_one_owner(box)


def test_what_freepbx_itself_would_refuse_is_refused_before_anything_is_changed(box: Box) -> None:
    result = box.run("asterisk-version-switch", "99", check=False)
    assert result.returncode == 3
    assert b"freepbx:asterisk: FreePBX 16 accepts Asterisk 16, 17, 18, 19 and 20" in result.stderr
    assert status(box)["last"] is None


@pytest.mark.parametrize("phase", ["drain", "stop", "health"])
def test_a_restart_by_fwconsole_during_a_switch_ends_with_dial_tone(box: Box, phase: str) -> None:
    source = status(box)["active"]
    target = next(name for name in ENGINES if name != source)
    with slow_check(box), call_in_progress(box, phase == "drain"):
        box.run("asterisk-version-switch", target, "--detach", "--drain-timeout", "60", *ACCEPTED)
        wait_until(box, lambda: phase in steps_begun(box))
        box.run("fwconsole", "restart", "--maxwait", "5", check=False)
        wait_until(box, lambda: status(box)["transaction"] is None)
    assert_one_owner(box)
    found = status(box)
    # fwconsole may kill by name what the switch has just started: then that start has failed.
    right = {"kept": target, "rolled-back": source}[found["last"]["outcome"]]
    assert right == target or phase == "stop"
    assert (found["running"], found["active"], found["exit_code"]) == (right, right, 0)
    assert box.output("asterisk", "-rx", "core show version").startswith(f"Asterisk {right[:-2]} ")
    box.run("switchroom", "health", "--wait", "30")


@contextlib.contextmanager
def slow_check(box: Box) -> Iterator[None]:
    """Make health take so long that something can happen meanwhile."""
    check = Paths(box.root).health_checks / "slow"
    check.parent.mkdir(exist_ok=True)
    check.write_text(SLOW_CHECK)
    check.chmod(0o755)
    yield
    check.unlink()


@contextlib.contextmanager
def call_in_progress(box: Box, wanted: bool) -> Iterator[None]:
    """Keep a drain waiting."""
    if wanted:
        box.run("asterisk", "-rx", f"channel originate Local/{pbx.LONG}@lab application Wait 60")
        wait_until(box, lambda: "1 active call" in box.output("asterisk", "-rx", "core show channels count"))
    yield


def steps_begun(box: Box) -> List[str]:
    """Return the steps of the open transaction that were begun."""
    with contextlib.suppress(FileNotFoundError):
        told = events.read(Paths(box.root).transaction / events.FILE)
        return [event["step"] for event in told if event["event"] == "step"]
    return []


def wait_until(box: Box, true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(box.output("journalctl", "--no-pager", "--lines=120", "--output=short-precise"))
        time.sleep(0.05)
