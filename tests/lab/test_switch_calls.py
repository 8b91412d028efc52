"""Twenty calls are up while a box moves between real engines: they end by themselves, new ones come through.

The figures of each switch are printed (``pytest -s``), to be quoted.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, Dict, Iterator, Sequence, Tuple

import pytest

from lab.boxes import Box, new_box
from lab.engines.shelf import Shelf
from lab.layers import appliance_layer, repository_bind
from support import pbx
from support.boxes import APPLIANCE, common_repository, publish_for_boxes
from support.calls import Calls, Prober, Tally
from support.lab_engines import lab_engines, products

__all__ = ["common_repository", "lab_engines", "products"]  # fixtures
pytestmark = pytest.mark.lab("systemd-nspawn", "debootstrap", "dnf", "rpmbuild", "patchelf", "sipp")

CALLS, CALL_SECONDS = 20, 8.0
# 16 has no maintenance mode: it takes new calls until drain.refuse (30 s) before the deadline.
DRAIN_SECONDS = 35
# What a call needs by itself, and the rhythm of those that try; on a busy machine the second longest time
# without a new call tells how much more.
SLACK_MS = 1000


@pytest.fixture(scope="module")
def box(
    common_repository: Path, lab_engines: Shelf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Box]:
    """A box with Asterisk 22, and the other engines in its repository."""
    root = tmp_path_factory.mktemp("calls") / "repository"
    shutil.copytree(common_repository, root, symlinks=True, copy_function=os.link)
    more = [*lab_engines.other_major.packages, *lab_engines.newer.packages]
    publish_for_boxes(root, more)
    layer = appliance_layer(common_repository, APPLIANCE)
    with new_box("calls", [layer], repository_bind(root)) as made:
        yield made


@pytest.mark.parametrize("form", pbx.FORMS)
def test_calls_end_by_themselves_between_majors_and_new_ones_come_through(
    box: Box, lab_engines: Shelf, form: str
) -> None:
    current, other = (each.series.version for each in (lab_engines.current, lab_engines.other_major))
    move(box, other, "--now")
    configure(box, form)
    for target in (current, other):
        assert_calls_survive(box, form, target)


def test_calls_end_by_themselves_within_a_series(box: Box, lab_engines: Shelf) -> None:
    move(box, lab_engines.current.series.version, "--now")
    configure(box, "switchroom")
    assert_calls_survive(box, "switchroom", lab_engines.newer.series.version)


def configure(box: Box, form: str) -> None:
    pbx.apply(box.root, form)
    box.run("systemctl", "restart", "asterisk.service")


def assert_calls_survive(box: Box, form: str, target: str) -> None:
    """Switch with calls up, and others coming in all the time."""
    with Calls(box.address, CALLS, CALL_SECONDS) as calls, Prober(box.address) as prober:
        last = move(box, target, "--drain-timeout", str(DRAIN_SECONDS))
        went, tried = calls.wait(), prober.stop()
    figures, (gap_ms, rhythm_ms) = last["figures"], longest_gaps_ms(tried)
    print(
        f"{form}, {last['source']} -> {target}: {len(went.ended)} calls ended by themselves, {len(went.cut)} "
        f"cut; outage {figures['outage_ms']} ms; new calls refused for {figures['refused_ms']} ms; longest "
        f"time without a new call {gap_ms} ms"
    )
    assert (len(went.ended), went.cut, went.failed) == (CALLS, (), ())
    assert figures["calls_ended"] == 0
    assert tried.answered[-1] > tried.answered[0]
    assert gap_ms <= figures["refused_ms"] + rhythm_ms + SLACK_MS


def longest_gaps_ms(tally: Tally) -> Tuple[int, int]:
    """Return the longest time without a new call, between the first and the last one, and the second."""
    longest, second = tally.gaps(tally.answered[0], tally.answered[-1])[:2]
    return round(longest * 1000), round(second * 1000)


def move(box: Box, target: str, *words: str) -> Dict[str, Any]:
    """Switch, all that was found acknowledged; return how it ended."""
    known = [word for key in findings(box, target) for word in ("--acknowledge", key)]
    done = box.run("asterisk-version-switch", target, *words, *known, check=False, timeout=240)
    status: Dict[str, Any] = json.loads(box.output("switchroom", "status", "--json"))
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert status["running"] == f"{target}-1"
    last: Dict[str, Any] = status["last"]
    return last


def findings(box: Box, target: str) -> Sequence[str]:
    """Return the keys of what would stop the switch unless somebody acknowledges it."""
    said = json.loads(box.run("switchroom", "switch", target, "--dry-run", "--json", check=False).stdout)
    return [found["key"] for found in said.get("findings", ()) if found["severity"] == "blocking"]
