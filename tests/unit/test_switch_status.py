"""The status tells where a box stands, in every state a crash can leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.switch_box import KILLED, Faults, Simulation
from switchroom.box.switch import status
from switchroom.box.switch.status import Open


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulation:
    return Simulation(tmp_path, monkeypatch)


def opened(box: Simulation) -> Open:
    found = status.read(box.paths).transaction
    assert found
    return found


def test_a_settled_box(box: Simulation) -> None:
    found = status.read(box.paths)
    assert (found.active, found.running, found.previous) == ("22.10.1-1", "22.10.1-1", None)
    assert (found.transaction, found.last) == (None, None)


def test_a_plan_that_was_not_begun(box: Simulation) -> None:
    box.submit()
    found = opened(box)
    assert (found.step, found.begun, found.working) == ("packages", False, False)
    assert "nothing was changed" in found.phase
    assert "systemctl start switchroom-resume.service" in found.next


def test_every_state_of_a_killed_worker_names_the_step_it_stands_at(box: Simulation) -> None:
    steps = []
    for fatal in range(1, 100):
        fresh = Simulation(box.paths.root / str(fatal), box.monkeypatch)
        fresh.submit()
        if fresh.work(fatal) != KILLED:
            break
        if fresh.paths.transaction.exists():
            found = opened(fresh)
            steps.append(found.step)
            assert (found.id, found.source, found.target) == ("T1", "22.10.1", "99.0.0")
            assert not found.working
            assert "switchroom-resume.service" in found.next or found.step is None
    assert list(dict.fromkeys(steps)) == [
        *("packages", "carry", "protect", "drain", "stop", "flip", "start", "health"),
        None,
    ]


def test_the_way_back_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phases = []
    for fatal in range(1, 100):
        box = Simulation(tmp_path / str(fatal), monkeypatch, Faults(crashing=("99.0.0-1",)))
        box.submit()
        if box.work(fatal) != KILLED:
            break
        found = status.read(box.paths).transaction
        if found and found.way == "back" and found.step:
            phases.append(found.phase)
    assert "rolling back: starting the old engine again" in phases


def test_a_damaged_journal_needs_attention(box: Simulation) -> None:
    box.submit()
    box.work(fatal=6)
    file = box.paths.transaction / "journal"
    file.write_bytes(b"damage\n" + file.read_bytes())
    found = opened(box)
    assert "damaged in line 1" in found.problem
    assert "attention" in found.next


def test_the_last_outcome_is_told(box: Simulation) -> None:
    box.submit()
    assert box.work() == 0
    last = status.read(box.paths).as_dict()["last"]
    assert (last["outcome"], last["running"], last["exit_code"]) == ("kept", "99.0.0-1", 0)
