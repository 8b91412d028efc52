"""A real box moves between real engines, with calls up, and comes back from whatever fails."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

from lab.boxes import Box, new_box
from lab.engines.shelf import Shelf
from lab.layers import appliance_layer, repository_bind
from support import pbx
from support.boxes import APPLIANCE, common_repository, publish_for_boxes
from support.calls import Calls, call
from support.lab_engines import lab_engines, products
from switchroom.box.paths import Paths

__all__ = ["common_repository", "lab_engines", "products"]  # fixtures
pytestmark = pytest.mark.lab("systemd-nspawn", "debootstrap", "dnf", "rpmbuild", "sipp", "gcc")

FAULTS = ("crashes", "hangs", "no-pjsip", "loses-registrations")
ENGINES = "/usr/lib64/switchroom/engines"
# Short, so that what never comes back is not waited for long.
SETTINGS = "health: {grace: 6}\n"


@pytest.fixture(scope="module")
def box(
    common_repository: Path, lab_engines: Shelf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Box]:
    """A box with Asterisk 22, and all the lab's engines in its repository."""
    root = tmp_path_factory.mktemp("switch") / "repository"
    shutil.copytree(common_repository, root, symlinks=True, copy_function=os.link)
    more = [lab_engines.other_major, lab_engines.newer, *(lab_engines.broken(fault) for fault in FAULTS)]
    publish_for_boxes(root, [rpm for engine in more for rpm in engine.packages])
    layer = appliance_layer(common_repository, APPLIANCE)
    with new_box("switch", [layer], repository_bind(root)) as made:
        pbx.apply(made.root)
        Paths(made.root).settings.write_text(SETTINGS)
        made.run("systemctl", "restart", "asterisk.service")
        yield made


def switch(box: Box, *words: str) -> int:
    """Switch, by the command an admin types; return its exit code."""
    return box.run("asterisk-version-switch", *words, check=False, timeout=180).returncode


def status(box: Box) -> Dict[str, Any]:
    found: Dict[str, Any] = json.loads(box.run("switchroom", "status", "--json", check=False).stdout)
    return found


def last(box: Box) -> Dict[str, Any]:
    """How the last switch ended; none is open any more."""
    found = status(box)
    assert found["transaction"] is None
    outcome: Dict[str, Any] = found["last"]
    return outcome


def pid(box: Box) -> str:
    return box.output("systemctl", "show", "--property=MainPID", "--value", "asterisk.service")


def assert_dial_tone(box: Box, version: str) -> None:
    """This version runs from a whole package, is selected, and takes a call with sound."""
    found = status(box)
    assert found["running"] == found["active"] == f"{version}-1"
    assert box.output("asterisk", "-rx", "core show version").startswith(f"Asterisk {version}")
    assert call(box.address).ended
    assert box.output("rpm", "-V", f"asterisk{version}_1") == ""
    assert "0 endpoints in maintenance" in box.output("asterisk", "-rx", "pjsip show maintenance") or (
        version.startswith("16.")
    )


def begin(box: Box, *words: str) -> None:
    """Begin a switch and come back at once; it waits for calls."""
    box.run("systemd-run", "--quiet", "--collect", "asterisk-version-switch", *words)
    deadline = time.monotonic() + 30
    while (status(box)["transaction"] or {}).get("step") != "drain":
        assert time.monotonic() < deadline, status(box)
        time.sleep(0.2)


def ended(box: Box, seconds: float = 60) -> Dict[str, Any]:
    deadline = time.monotonic() + seconds
    while status(box)["transaction"]:
        assert time.monotonic() < deadline, status(box)
        time.sleep(0.3)
    return last(box)


@pytest.fixture(autouse=True)
def on_the_current_engine(box: Box, lab_engines: Shelf) -> None:
    """Begin each test on Asterisk 22, whatever the one before left."""
    current = lab_engines.current.series
    if status(box)["running"] != current.prefix_name:
        assert switch(box, current.version, "--now", "--acknowledge", "health") == 0


def test_to_the_other_major_and_back(box: Box, lab_engines: Shelf) -> None:
    other, current = lab_engines.other_major.series, lab_engines.current.series
    assert switch(box, other.version, "--acknowledge", f"end-of-life:{other.key}") == 0
    assert_dial_tone(box, other.version)
    outcome = last(box)
    assert (outcome["outcome"], outcome["exit_code"], outcome["figures"]["calls_ended"]) == ("kept", 0, 0)
    assert 0 < outcome["figures"]["outage_ms"] < outcome["figures"]["refused_ms"]
    assert status(box)["previous"] == f"{current.version}-1"
    protected = Paths(box.root).protected.read_text().split()
    assert protected == sorted([current.engine, other.engine])
    assert box.run("dnf", "-y", "remove", current.engine, check=False).returncode == 1
    # Asterisk 16 has no maintenance mode: it is asked to stop gracefully once nobody talks.
    with Calls(box.address, 5, 12.0) as calls:
        assert switch(box, "--rollback", "--drain-timeout", "60") == 0
        tally = calls.wait()
    assert (len(tally.ended), tally.cut) == (5, ())
    assert_dial_tone(box, current.version)
    assert status(box)["previous"] == f"{other.version}-1"


def test_calls_end_by_themselves_and_new_ones_wait(box: Box, lab_engines: Shelf) -> None:
    with Calls(box.address, 20, 12.0) as calls:
        assert switch(box, lab_engines.newer.series.version, "--drain-timeout", "60") == 0
        tally = calls.wait()
    assert (len(tally.ended), tally.cut, tally.failed) == (20, (), ())
    assert last(box)["figures"]["calls_ended"] == 0
    assert_dial_tone(box, lab_engines.newer.series.version)


def test_calls_that_outlast_the_deadline_are_cut_and_counted(box: Box, lab_engines: Shelf) -> None:
    with Calls(box.address, 3, 30.0) as calls:
        assert switch(box, lab_engines.newer.series.version, "--drain-timeout", "2") == 0
        assert len(calls.wait().cut) == 3
    assert last(box)["figures"]["calls_ended"] == 3
    assert_dial_tone(box, lab_engines.newer.series.version)


def test_cancelled_while_calls_go_on_nothing_has_changed(box: Box, lab_engines: Shelf) -> None:
    before = pid(box)
    with Calls(box.address, 2, 20.0) as calls:
        begin(box, lab_engines.newer.series.version)
        assert box.run("switchroom", "switch", "--cancel", check=False).returncode == 0
        outcome = ended(box)
        assert_dial_tone(box, lab_engines.current.series.version)
        assert calls.wait().cut == ()
    assert (outcome["outcome"], outcome["exit_code"]) == ("abandoned", 1)
    assert "cancelled" in outcome["reason"]
    assert pid(box) == before


def test_a_killed_worker_goes_on_with_the_deadline_it_had(box: Box, lab_engines: Shelf) -> None:
    with Calls(box.address, 2, 35.0) as calls:
        begin(box, lab_engines.newer.series.version, "--drain-timeout", "12")
        began = time.monotonic()
        time.sleep(4)
        box.run("systemctl", "kill", "--signal=SIGKILL", "switchroom-resume.service")
        outcome = ended(box)
        assert time.monotonic() - began > 6
        assert len(calls.wait().cut) == 2, "no deadline ended the calls"
    assert (outcome["outcome"], outcome["figures"]["calls_ended"]) == ("kept", 2)
    assert_dial_tone(box, lab_engines.newer.series.version)
    assert switch(box, "--rollback", "--now") == 0


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("crashes", "ended while it started"),
        ("hangs", "not fully booted within 5 s"),
        ("no-pjsip", "not healthy: sip"),
        ("loses-registrations", "not healthy: registrations"),
    ],
)
def test_an_engine_that_fails_is_rolled_back(box: Box, lab_engines: Shelf, fault: str, reason: str) -> None:
    current, previous = lab_engines.current.series.version, status(box)["previous"]
    target = lab_engines.broken(fault).series.version
    limit = "5" if fault == "hangs" else "20"
    assert switch(box, target, "--now", "--health-timeout", limit) == 1
    outcome = last(box)
    named = (outcome["outcome"], outcome["target"], outcome["running"])
    assert named == ("rolled-back", f"{target}-1", f"{current}-1")
    assert reason in outcome["reason"]
    assert status(box)["previous"] == previous
    assert f"asterisk{target}_1" not in Paths(box.root).protected.read_text().split()
    assert_dial_tone(box, current)


def test_when_the_old_engine_fails_too_another_one_runs_or_the_admin_is_told(
    box: Box, lab_engines: Shelf
) -> None:
    current = lab_engines.current.series
    target = lab_engines.broken("crashes").series.version
    # Without its documentation Asterisk ends while it starts; the running one has read it already.
    documentation = f"{ENGINES}/{current.version}-1/share/documentation"
    box.run("mv", documentation, f"{documentation}.away")
    assert switch(box, target, "--now") == 4
    outcome = last(box)
    assert outcome["outcome"] == "attention"
    assert outcome["running"] not in (None, f"{current.version}-1", f"{target}-1")
    assert outcome["running"] in outcome["hint"]
    assert call(box.address).ended

    box.run("mv", f"{documentation}.away", documentation)
    assert switch(box, current.version, "--now") == 0
    assert_dial_tone(box, current.version)


def test_when_no_engine_is_left_the_admin_is_told_what_to_do(box: Box, lab_engines: Shelf) -> None:
    current = lab_engines.current.series
    target = lab_engines.broken("crashes").series.version
    others = [
        name for name in status(box)["installed"] if name not in (f"{current.version}-1", f"{target}-1")
    ]
    documentation = f"{ENGINES}/{current.version}-1/share/documentation"
    box.run("mv", documentation, f"{documentation}.away")
    for name in others:
        box.run("chmod", "-x", f"{ENGINES}/{name}/sbin/asterisk")
    assert switch(box, target, "--now") == 4
    outcome = last(box)
    assert (outcome["outcome"], outcome["running"]) == ("attention", None)
    assert f"ln -sfn {ENGINES}/{current.version}-1 /etc/switchroom/engine" in outcome["hint"]
    assert status(box)["active"] == f"{current.version}-1"

    box.run("mv", f"{documentation}.away", documentation)
    for name in others:
        box.run("chmod", "+x", f"{ENGINES}/{name}/sbin/asterisk")
    deadline = time.monotonic() + 30
    while status(box)["service"] != "active":  # systemd goes on trying, as the hint says
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert_dial_tone(box, current.version)


def test_a_box_that_crashes_while_calls_end_comes_back_unchanged(box: Box, lab_engines: Shelf) -> None:
    current = lab_engines.current.series.version
    with Calls(box.address, 1, 60.0):
        begin(box, lab_engines.newer.series.version)
        box.crash()
    box.start()
    assert ended(box)["outcome"] == "abandoned"
    assert_dial_tone(box, current)


def test_a_selector_that_leads_nowhere_is_mended_before_asterisk_starts(box: Box, lab_engines: Shelf) -> None:
    current = lab_engines.current.series
    box.run("ln", "-sfn", f"{ENGINES}/{current.prefix_name}", "/etc/switchroom/previous")
    box.run("ln", "-sfn", f"{ENGINES}/none", "/etc/switchroom/engine")
    box.run("touch", "/etc/switchroom/.engine.7.new")
    box.crash()
    box.start()
    box.wait_booted()
    assert_dial_tone(box, current.version)
    assert not (box.root / "etc/switchroom/.engine.7.new").exists()
