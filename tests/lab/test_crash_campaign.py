"""The crash campaign's short form: every victim at telling places, each on a box of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping, Sequence

import pytest

from campaign import report
from campaign.campaign import carry_out, rehearse_all
from campaign.cli import scene_in
from campaign.instants import Rehearsal
from campaign.order import Choice, Trial, Victim, When, draw
from campaign.scene import ROUTES, Scene
from switchroom.build.workspace import cache_dir

pytestmark = pytest.mark.lab("systemd-nspawn", "debootstrap", "rpmbuild", "mkfs.ext4", "sipp", "ssh")

# Where it hurts most: route, victim, the journal's last record, seconds until the recovery is killed too.
PLACES = (
    ("within", Victim.TOOL, "packages intent", None),
    ("within", Victim.TOOL, "stop done", 0.2),
    ("within", Victim.BOX, "flip intent", None),
    ("within", Victim.BOX, "start done", 1.0),
    ("within", Victim.POWER, "flip done", None),
    ("within", Victim.POWER, "packages done", None),
    ("crashes", Victim.TOOL, "flip-back intent", None),
)
INSIDE_RPM = ((Victim.DNF, 0.9), (Victim.BOX, 0.4), (Victim.POWER, 0.6))  # victim, share of the transaction


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return scene_in(tmp_path_factory.mktemp("campaign"))


def evidence() -> Path:
    """Return where a failed trial leaves its evidence: it must outlive the test."""
    return cache_dir("lab", "campaign")


def test_killed_at_telling_places_a_box_comes_back_whole_with_dial_tone(scene: Scene) -> None:
    rehearsals = rehearse_all(scene, [route for route, *_ in PLACES], evidence(), print)
    trials = telling(rehearsals)
    outcomes = carry_out(trials, scene, rehearsals, evidence(), say=print, jobs=2)
    print(report.as_text(outcomes, seed=0, seconds=0))
    assert [outcome.problems for outcome in outcomes if outcome.problems] == []
    assert [outcome.trial.title for outcome in outcomes if not outcome.hit] == []
    assert sum(outcome.inside_rpm for outcome in outcomes) >= len(INSIDE_RPM) - 1


@pytest.mark.campaign
def test_killed_at_a_hundred_random_instants_a_box_comes_back(scene: Scene) -> None:
    rehearsals = rehearse_all(scene, ROUTES, evidence(), print)
    victims = tuple(victim for victim in Victim if victim is not Victim.CLIENT)
    choice = Choice(120, seed=1, victims=victims, when=When.RANDOM, routes=ROUTES)
    trials = draw(choice, {name: len(found.records) for name, found in rehearsals.items()})
    figures = report.totals(carry_out(trials, scene, rehearsals, evidence(), say=print, jobs=2))
    assert figures["failed"] == []
    assert int(str(figures["kills"])) >= 100
    assert int(str(figures["inside_rpm"])) >= 30
    assert int(str(figures["power_cuts"])) >= 20


def telling(rehearsals: Mapping[str, Rehearsal]) -> Sequence[Trial]:
    """Return the trials of PLACES, by the number of the record, and of INSIDE_RPM."""
    spots = [
        (route, victim, When.RECORD, float(number(rehearsals[route], place)), again)
        for route, victim, place, again in PLACES
    ]
    spots += [("within", victim, When.RPM, share, None) for victim, share in INSIDE_RPM]
    return [Trial(count, *spot, further=count == 1) for count, spot in enumerate(spots, start=1)]


def number(rehearsal: Rehearsal, place: str) -> int:
    """Return which record of a run is the first of that name."""
    return [record.place for record in rehearsal.records].index(place) + 1
