"""What the new engine is compared with: the box as it was before, less what the drain itself cost."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List

import pytest

from support.switch_box import Simulation
from switchroom.box import packages
from switchroom.box.health.baseline import Baseline
from switchroom.box.health.report import Report
from switchroom.box.health.standing import Standing
from switchroom.box.paths import Paths
from switchroom.box.settings import load_settings
from switchroom.box.switch import changing
from switchroom.box.switch.scene import Scene
from switchroom.box.switch.story import STEPS

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


@pytest.mark.parametrize(("step", "end"), [("health", "rolled-back"), ("packages", "failed")])
def test_a_step_that_never_ends_is_stopped_and_the_old_engine_runs(
    step: str, end: str, box: Simulation
) -> None:
    def hang(*given: Any, **_more: Any) -> Report:
        if step == "packages" or box.new in given:
            time.sleep(60)
        return Report((), 0.0)

    if step == "health":
        box.monkeypatch.setattr(changing.judge, "wait", hang)
    else:
        box.monkeypatch.setattr(packages, "install", hang)
    box.monkeypatch.setattr(Scene, "limit", lambda _scene, name: 0.5 if name == step else 60.0)
    box.submit()
    assert box.work() == 1
    assert box.outcome["outcome"] == end
    assert f"The step '{step}' took longer than 0 s" in box.outcome["reason"]
    assert box.state["running"] == box.old.name


def test_each_step_has_a_limit_that_gives_what_the_plan_gives() -> None:
    plan = SimpleNamespace(drain_timeout=7200.0, health_timeout=10.0)
    scene = SimpleNamespace(plan=plan, settings=load_settings(Paths(Path("/nowhere"))))
    limits = {step: Scene.limit(scene, step) for steps in STEPS.values() for step in steps}  # type: ignore[arg-type]
    assert 7200 < limits["drain"] < 7200 + 600
    assert all(60 < limit < 4000 for step, limit in limits.items() if step != "drain")
