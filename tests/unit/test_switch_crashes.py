"""Whatever kills the worker, and wherever: one whole engine runs in the end, and all tell the truth."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Iterator

import pytest

from support.switch_box import BROKEN, KILLED, Faults, Simulation
from switchroom.box import engines
from switchroom.box.switch import status

SCENARIOS = {
    "kept": Faults(),
    "crashes": Faults(crashing=("99.0.0-1",)),
    "ill": Faults(ill=("99.0.0-1",)),
    "torn": Faults(torn=True),
}
GOOD = ("kept", "torn")


def boxes(tmp_path: Path, scenario: str) -> Iterator[tuple[Simulation, int]]:
    """Yield a box a kill, killed at its first effect, its second one, ... until the worker survives."""
    for fatal in itertools.count(1):
        with pytest.MonkeyPatch.context() as patch:
            box = Simulation(tmp_path / str(fatal), patch, SCENARIOS[scenario])
            box.submit()
            code = box.work(fatal)
            assert code != BROKEN
            if code != KILLED:
                assert fatal > 20
                return
            yield box, fatal


def assert_whole(box: Simulation, code: int) -> None:
    """One engine is selected, it runs and takes calls, and everything says so."""
    outcome = box.outcome
    engine = box.new if outcome["outcome"] == "kept" else box.old
    assert engines.active(box.paths) == engine
    assert box.state["running"] == engine.name
    assert not box.state["maintenance"]
    assert engines.previous(box.paths) == (box.old if engine == box.new else None)
    assert (code, outcome["exit_code"]) == ((0, 0) if engine == box.new else (1, 1))
    assert status.read(box.paths).transaction is None
    assert not box.paths.packages.exists()
    kept = [box.old, *([box.new] if engine == box.new else [])]
    guarded = {name for one in kept for name in (one.package, f"{one.package}-odbc")}
    protected = box.paths.protected.read_text().split() if box.paths.protected.exists() else []
    assert set(protected) in (guarded, set())


@pytest.mark.parametrize("scenario", ["kept", "crashes", "torn"])
def test_a_killed_worker_goes_on_to_the_same_end(tmp_path: Path, scenario: str) -> None:
    for box, _fatal in boxes(tmp_path, scenario):
        code = box.work()
        assert_whole(box, code)
        assert box.state["rpm"] == "whole"
        assert box.outcome["outcome"] == ("kept" if scenario in GOOD else "rolled-back")


def test_what_somebody_starts_while_no_worker_lives_changes_nothing(tmp_path: Path) -> None:
    starts = 0
    for box, _fatal in boxes(tmp_path, "kept"):
        if box.state["running"] is None:
            box.start()
            starts += 1
        assert_whole(box, box.work())
        assert box.outcome["outcome"] == "kept"
    assert starts >= 4


@pytest.mark.parametrize("scenario", ["kept", "ill"])
def test_after_a_reboot_nothing_surprises(tmp_path: Path, scenario: str) -> None:
    ends = []
    for box, _fatal in boxes(tmp_path, scenario):
        flipped = engines.active(box.paths) == box.new
        begun = box.paths.transaction.exists()
        ended = (box.paths.history / "T1").exists()
        box.reboot()
        code = box.work()
        if not begun and not ended:
            assert box.state["running"] == box.old.name
            continue
        assert_whole(box, box.outcome["exit_code"] if ended else code)
        assert box.state["rpm"] in ("whole", "none")
        ends.append(box.outcome["outcome"])
        if flipped:
            assert ends[-1] == ("kept" if scenario in GOOD else "rolled-back")
    assert set(ends) == {"abandoned", "kept" if scenario in GOOD else "rolled-back"}


def test_killed_again_and_again_it_still_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Simulation(tmp_path, monkeypatch)
    box.submit()
    codes = [box.work(fatal=4) for _ in range(60)]
    assert codes[-1] != KILLED
    assert box.state["running"] == engines.active(box.paths).name  # type: ignore[union-attr]


def test_a_step_that_always_kills_the_worker_is_not_tried_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Simulation(tmp_path, monkeypatch)
    box.submit()
    # The records before the packages are "begin", "attempt" and "intent"; the next effect is in the step.
    runs = [box.work(fatal=4), *(box.work(fatal=3) for _ in range(4))]
    assert set(runs) == {KILLED}
    assert box.work() == 1
    assert box.outcome["outcome"] == "failed"
    assert "begun 5 times" in box.outcome["reason"]
    assert_whole(box, 1)


def test_a_machine_that_goes_down_after_the_flip_again_and_again_goes_back(tmp_path: Path) -> None:
    for box, _fatal in boxes(tmp_path, "kept"):
        if engines.active(box.paths) != box.new:
            continue
        box.reboot()
        box.reboot()
        assert engines.active(box.paths) == box.new
        box.reboot()
        assert engines.active(box.paths) == box.old
        assert box.work() == 1
        assert box.outcome["outcome"] == "rolled-back"
        assert "went down 3 times" in box.outcome["reason"]
        return assert_whole(box, 1)
    raise AssertionError("no kill after the flip")
