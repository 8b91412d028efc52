"""Events are followed from the first to the last one, through the move to the history and torn lines."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import List

import pytest

from support.switch_box import Simulation
from switchroom.box.switch import events, journal
from switchroom.box.switch.events import Events


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulation:
    return Simulation(tmp_path, monkeypatch)


def test_a_follower_that_was_there_first_sees_everything(box: Simulation) -> None:
    seen: List[str] = []

    def follow() -> None:
        for event in events.follow(box.paths, "T1"):
            seen.append(f"{event.get('step', '')} {event.get('state', event['event'])}")

    watcher = threading.Thread(target=follow, daemon=True)
    watcher.start()
    box.submit()
    assert box.work() == 0
    watcher.join(20)
    assert not watcher.is_alive()
    assert seen[0] == "packages begin"
    assert [one for one in seen if one.endswith("done")] == [
        f"{step} done"
        for step in ("packages", "carry", "protect", "drain", "stop", "flip", "start", "health")
    ]
    assert seen[-1] == " end"


def test_one_that_comes_late_reads_the_history(box: Simulation) -> None:
    box.submit()
    box.work()
    last = list(events.follow(box.paths, "T1"))[-1]
    assert (last["outcome"], last["exit_code"], last["running"]) == ("kept", 0, "99.0.0-1")


def test_when_nobody_writes_any_more_following_ends(box: Simulation) -> None:
    assert list(events.follow(box.paths, "T1", gone=lambda: True)) == []
    box.submit()
    box.work(fatal=9)
    seen = list(events.follow(box.paths, "T1", gone=lambda: True))
    assert (seen[0]["event"], seen[-1]["event"]) == ("step", "step")


def test_a_torn_line_is_left_out_and_ended(tmp_path: Path) -> None:
    said: List[str] = []
    journal.create(tmp_path, {"id": "T1"}, "boot")
    first = Events(tmp_path, said.append)
    first.note("one")
    first.close()
    os.truncate(tmp_path / events.FILE, (tmp_path / events.FILE).stat().st_size - 3)
    second = Events(tmp_path, said.append)
    second.note("two")
    second.close()
    assert [event["text"] for event in events.read(tmp_path / events.FILE)] == ["two"]
    assert said == ["one", "two"]


def test_the_end_is_told_once(tmp_path: Path) -> None:
    said: List[str] = []
    for _ in range(2):
        one = Events(tmp_path, said.append)
        one.end({"outcome": "kept"}, "kept")
        one.close()
    assert said == ["kept"]
