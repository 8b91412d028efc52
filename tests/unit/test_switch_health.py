"""What the new engine is compared with: the box as it was before, less what the drain itself cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest

from support.switch_box import Simulation
from switchroom.box.health.baseline import Baseline
from switchroom.box.health.report import Report
from switchroom.box.health.standing import Standing
from switchroom.box.switch import changing

BEFORE = {"pjsip/100": "reachable", "pjsip/200": "reachable"}


def judged(box: Simulation, now: Dict[str, str]) -> List[Any]:
    """Switch, with these contacts at the end of the drain; return the contacts the new engine must have."""
    seen: List[Any] = []

    def wait(_paths: object, _settings: object, before: Baseline, *_: Any, **__: Any) -> Report:
        seen.append(before.contacts)
        return Report((), 0.0)

    box.monkeypatch.setattr(changing.judge, "wait", wait)
    box.monkeypatch.setattr(changing.standing, "read", lambda _console: Standing({}, now, {}))
    box.submit(baseline=Baseline(contacts=BEFORE).as_dict())
    assert box.work() == 0
    return seen


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulation:
    return Simulation(tmp_path, monkeypatch)


def test_phones_whose_registration_ran_out_while_it_was_refused_are_not_held_against_the_engine(
    box: Simulation,
) -> None:
    assert judged(box, {"pjsip/100": "reachable", "pjsip/300": "reachable"}) == [{"pjsip/100": "reachable"}]


def test_phones_that_stayed_must_come_back(box: Simulation) -> None:
    assert judged(box, BEFORE) == [BEFORE]
