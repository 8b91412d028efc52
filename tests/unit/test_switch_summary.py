"""Figures and words of an end, from the journal's records alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Tuple

import pytest

from support.switch_box import Faults, Simulation
from switchroom.box.switch import summary
from switchroom.box.switch.journal import Kind, Record


def at(seconds: float, kind: Kind, step: str, **data: Any) -> Record:
    return Record(0, f"2026-11-23T10:00:{seconds:06.3f}+00:00", "boot", kind, step, data)


def drained() -> Tuple[Record, ...]:
    begun = at(0, Kind.INTENT, "drain")
    return (
        begun,
        at(10, Kind.DONE, "drain", calls=3, refused_since=begun.seconds),
        at(10, Kind.INTENT, "stop"),
        at(11, Kind.DONE, "stop", forced=True),
    )


def test_measured_figures_are_told_as_measured() -> None:
    answering = at(12.4, Kind.DONE, "").seconds
    health = at(14, Kind.DONE, "health", outage_ms=1234, answering=answering)
    found = summary.figures((*drained(), at(12.5, Kind.DONE, "start"), health))
    assert (found.outage_ms, found.refused_ms, found.calls_ended) == (1234, 12400, 3)
    assert (found.forced, found.about) == (True, False)


def test_after_a_crash_of_the_tool_they_come_from_the_journals_times() -> None:
    found = summary.figures((*drained(), at(12.5, Kind.DONE, "start"), at(14, Kind.DONE, "health")))
    assert (found.outage_ms, found.refused_ms, found.about) == (2500, 12500, True)
    assert found.sentence == "Outage about 2500 ms, 3 calls ended."


def test_a_rollback_counts_until_the_old_engine_answers() -> None:
    back = at(30, Kind.DONE, "start-back")
    found = summary.figures(
        (*drained(), at(12.5, Kind.DONE, "start"), back, at(31, Kind.DONE, "health-back"))
    )
    assert found.outage_ms == 20000


def test_nothing_stopped_means_no_outage() -> None:
    assert summary.figures((at(0, Kind.INTENT, "packages"),)).sentence == ""


def test_a_rollback_that_fails_too_gives_both_reasons_and_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Simulation(tmp_path, monkeypatch, Faults(crashing=("99.0.0-1", "22.10.1-1")))
    box.submit()
    assert box.work() == 4
    outcome = box.outcome
    assert (outcome["outcome"], outcome["running"]) == ("attention", None)
    assert outcome["reason"].count("ended while it started") == 2
    for command in ("dnf reinstall asterisk22.10.1_1", f"ln -sfn {box.old.prefix} /etc/switchroom/engine"):
        assert command in outcome["hint"]


def test_another_engine_is_better_than_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Simulation(tmp_path, monkeypatch, Faults(crashing=("99.0.0-1", "22.10.1-1")))
    box.stand("18.1.0-1")
    box.submit()
    assert box.work() == 4
    assert (box.outcome["running"], box.state["running"]) == ("18.1.0-1", "18.1.0-1")
