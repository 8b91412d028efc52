"""``switchroom status``: in words, as JSON, and by its exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Dict, Optional, Tuple

import pytest

from support.fake_switch import HEALTHY, ILL
from switchroom.box.health import judge
from switchroom.box.health.report import Report
from switchroom.box.switch import status as standing
from switchroom.box.switch.outcome import End, Figures, Outcome
from switchroom.box.switch.status import Open, Status
from switchroom.cli.main import main

SETTLED = Status("22.10.1-1", "20.21.0-1", ("20.21.0-1", "22.10.1-1"), "22.10.1-1", "active", None, None)
OPEN = Open(
    id="20261123T120000-abcd",
    source="20.21.0",
    target="22.10.1",
    since="2026-11-23T12:00:00+00:00",
    way="forward",
    step="drain",
    begun=True,
    attempts=1,
    working=True,
    phase="waiting for calls to end",
    next="It goes on by itself.",
)
LAST = Outcome(
    "20261122T120000-abcd",
    End.ATTENTION,
    "22.10.1",
    "22.11.0",
    "22.10.1",
    "nobody answers",
    "",
    "Do this.",
    5,
    Figures(),
)


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(now: Status, *words: str, health: Optional[Report] = None) -> Tuple[int, str]:
        monkeypatch.setattr(standing, "read", lambda _paths: now)
        monkeypatch.setattr(judge, "measure", lambda *_a: health)
        return main(["status", *words]), capsys.readouterr().out

    return run


def test_a_settled_box(show: Any) -> None:
    code, text = show(SETTLED)
    assert code == 0
    assert "Running:   Asterisk 22.10.1-1 (asterisk.service is active)" in text
    assert "none under way" in text
    assert "attention" not in text


def test_a_switch_under_way_is_no_alarm(show: Any) -> None:
    code, text = show(replace(SETTLED, running=None, service="activating", transaction=OPEN))
    assert code == 0
    assert "20.21.0 -> 22.10.1" in text
    assert "waiting for calls to end" in text


def test_a_switch_that_nobody_carries_on_needs_attention(show: Any) -> None:
    stuck = replace(OPEN, working=False, next="No worker runs. Go on with: systemctl start x")
    code, text = show(replace(SETTLED, transaction=stuck))
    assert code == 4
    assert "Go on with: systemctl start x" in text


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"active": None}, "systemctl start switchroom-recover.service"),
        ({"running": None, "service": "failed"}, "systemctl start asterisk.service"),
        ({"running": "20.21.0-1"}, "systemctl restart asterisk.service"),
    ],
)
def test_a_box_without_its_engine_needs_attention(show: Any, changes: Dict[str, Any], advice: str) -> None:
    code, text = show(replace(SETTLED, **changes))
    assert code == 4
    assert advice in text


def test_a_last_switch_that_ended_badly_counts_until_the_box_is_healthy(show: Any) -> None:
    bad = replace(SETTLED, last=LAST)
    code, text = show(bad, health=ILL)
    assert code == 4
    assert "Do this." in text
    code, text = show(bad, health=HEALTHY)
    assert code == 0
    assert "attention: nobody answers" in text


def test_json_has_the_exit_code_too(show: Any) -> None:
    code, text = show(replace(SETTLED, transaction=OPEN, last=LAST), "--json")
    data = json.loads(text)
    assert (code, data["exit_code"], data["transaction"]["step"]) == (0, 0, "drain")
    assert (data["active"], data["last"]["outcome"]) == ("22.10.1-1", "attention")
