"""What is settled before Asterisk starts: the selector leads to an engine that can be started."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List

import pytest

from support.switch_box import Simulation
from switchroom.box import engines
from switchroom.box.switch import recover


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulation:
    return Simulation(tmp_path, monkeypatch)


def settle(box: Simulation) -> List[str]:
    said: List[str] = []
    recover.recover(box.paths, said.append)
    return said


def dangle(box: Simulation) -> None:
    box.paths.selector.unlink()
    os.symlink("/usr/lib64/switchroom/engines/none", box.paths.selector)


def test_a_settled_box_is_left_alone(box: Simulation) -> None:
    assert settle(box) == []
    assert engines.active(box.paths) == box.old


def test_a_selector_that_leads_nowhere_selects_the_newest_engine(box: Simulation) -> None:
    newer = box.stand("22.9.0-2"), box.stand("22.11.0-1"), box.stand("18.1.0-1")
    dangle(box)
    assert "22.11.0-1" in settle(box)[0]
    assert engines.active(box.paths) == newer[1]


def test_the_previous_engine_comes_before_newer_ones(box: Simulation) -> None:
    previous = box.stand("18.1.0-1")
    box.stand("22.11.0-1")
    engines.remember(box.paths, previous)
    dangle(box)
    settle(box)
    assert engines.active(box.paths) == previous


def test_a_missing_selector_is_made(box: Simulation) -> None:
    box.paths.selector.unlink()
    settle(box)
    assert engines.active(box.paths) == box.old


def test_without_any_engine_it_says_so_and_does_not_fail(box: Simulation) -> None:
    (box.paths.from_box(str(box.old.prefix)) / "sbin/asterisk").unlink()
    assert "No engine is installed whole" in settle(box)[0]


def test_temporary_links_of_a_crash_go(box: Simulation) -> None:
    for name in (".engine.7.new", ".previous.12.new", "engine.new"):
        os.symlink("/nowhere", box.paths.selector.with_name(name))
    settle(box)
    assert sorted(os.listdir(box.paths.selector.parent)) == ["engine"]


def test_a_damaged_journal_does_not_keep_asterisk_down(box: Simulation) -> None:
    box.submit()
    box.work(fatal=6)
    file = box.paths.transaction / "journal"
    file.write_bytes(b"damage\n" + file.read_bytes())
    dangle(box)
    said = settle(box)
    assert "damaged in line 1" in said[0]
    assert engines.active(box.paths) is not None
