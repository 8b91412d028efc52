"""The crash campaign's draw and report; its kills and verdict are tested in tests/lab."""

from __future__ import annotations

from collections import Counter
from typing import Optional

import pytest

from campaign.dialtone import fault
from campaign.instants import Rest
from campaign.order import Choice, Trial, Victim, When, draw
from campaign.report import Outcome, as_json, as_text
from support.calls import Tally
from support.sound import Stream

RECORDS = {"within": 12, "crashes": 20}


def choice(**changed: object) -> Choice:
    plain = {"count": 0, "seed": 1, "victims": (Victim.TOOL,), "when": When.RECORD, "routes": ("within",)}
    return Choice(**{**plain, **changed})


def outcome(number: int, **changed: object) -> Outcome:
    trial = Trial(number, "within", Victim.BOX, When.RANDOM, 0.5, None, further=False)
    facts = {
        "place": "packages intent",
        "hit": True,
        "inside_rpm": True,
        "second_hit": False,
        "result": "abandoned",
        "silent_ms": 0,
        "problems": (),
        "evidence": "",
    }
    return Outcome(trial, **{**facts, **changed})


def test_by_records_every_record_of_every_route_is_hit_once_for_every_victim() -> None:
    wanted = choice(victims=(Victim.TOOL, Victim.BOX), routes=("within", "crashes"))
    places = Counter((trial.route, trial.victim, trial.at) for trial in draw(wanted, RECORDS))
    assert set(places.values()) == {1}
    assert len(places) == 2 * (12 + 20)
    assert max(at for route, _, at in places if route == "within") == 12


@pytest.mark.parametrize("when", [When.RANDOM, When.RPM])
def test_the_same_seed_draws_the_same_trials_and_another_seed_others(when: When) -> None:
    wanted = choice(count=40, when=when, victims=tuple(Victim))
    assert draw(wanted, RECORDS) == draw(wanted, RECORDS)
    assert draw(wanted, RECORDS) != draw(choice(count=40, when=when, victims=tuple(Victim), seed=2), RECORDS)


def test_of_a_hundred_random_kills_at_least_thirty_aim_inside_the_rpm_transaction() -> None:
    trials = draw(choice(count=100, when=When.RANDOM, victims=(Victim.TOOL, Victim.BOX)), RECORDS)
    inside = [trial for trial in trials if trial.when is When.RPM]
    assert len(trials) == 100
    assert 30 <= len(inside) <= 60
    assert {trial.victim for trial in inside} == {Victim.TOOL, Victim.BOX}


def test_the_process_of_dnf_is_only_aimed_at_while_it_works() -> None:
    trials = draw(choice(count=9, when=When.RANDOM, victims=(Victim.DNF,)), RECORDS)
    assert {trial.when for trial in trials} == {When.RPM}


def test_a_report_counts_only_kills_that_hit_and_names_every_failure() -> None:
    outcomes = [
        outcome(1, silent_ms=900),
        outcome(2, hit=False, inside_rpm=False),
        outcome(3, problems=("No dial tone.",), evidence="somewhere", silent_ms=2000),
        outcome(4, result="rolled-back", silent_ms=9000),
    ]
    figures = as_json(outcomes, seed=7, seconds=60)
    assert (figures["kills"], figures["inside_rpm"], figures["failed"]) == (3, 3, [3])
    assert figures["worst_silent_ms"] == {"box": 2000}
    assert figures["worst_silent_ms_rolled_back"] == {"box": 9000}
    text = as_text(outcomes, seed=7, seconds=60)
    assert "3 kills in 4 trials" in text
    assert "No dial tone." in text
    assert "evidence: somewhere" in text


def test_a_report_without_failures_says_so() -> None:
    assert "every box came back whole" in as_text([outcome(1)], seed=1, seconds=1)


def tally(*, packets: int, ended: int = 1) -> Tally:
    stream = Stream(packets, packets, packets)
    return Tally((1.0,), (2.0,) * ended, (2.0,) * (1 - ended), (), (stream,) if packets else ())


@pytest.mark.parametrize(
    ("went", "said"),
    [
        (tally(packets=25), None),
        (tally(packets=8), "fell silent after 8 packets"),
        (tally(packets=0), "fell silent after 0 packets"),
        (tally(packets=25, ended=0), "did not last"),
    ],
)
def test_a_silent_or_cut_call_is_no_dial_tone(went: Tally, said: Optional[str]) -> None:
    assert said in (fault(went) or "") if said else fault(went) is None


def test_rest_takes_two_looks_that_saw_it_whatever_time_went_by(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("campaign.instants.time.monotonic", lambda: clock[0])
    rest, seen = Rest(), []
    for moment, busy in ((0.0, True), (9.0, False), (9.5, True), (19.0, False), (19.7, False)):
        clock[0] = moment
        seen.append(rest.reached(busy))
    assert seen == [False, False, False, False, True]
