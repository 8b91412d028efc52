"""What a switch costs callers, against a bare restart and against swapping packages as is done today.

A SIP probe on the host asks every 20 ms; an outage is the longest time without an answer. In turn,
in one run:

- ``switch``: ``switchroom switch TARGET --yes --now`` between two engines, both installed beforehand;
- ``restart``: ``systemctl restart asterisk`` on the same box: the least that any change of version can cost;
- ``swap``: on a second box, two packages that conflict and own the same files, as packages of two majors do,
  exchanged as today's asterisk-version-switch does it: stop, ``dnf swap``, start;
- ``swap_alone``: there too, ``dnf swap`` while Asterisk runs. Its scriptlets are what EL's ``%systemd_*``
  macros stand for: the erased package stops its service late in the transaction, and an installed one starts
  nothing, so the start comes right behind dnf;
- ``swap_restarting``: the same, with packages whose ``%posttrans`` starts the service inside dnf: sooner than
  packages of EL do.

Run it as root: ``PYTHONPATH=molecule:tests python benchmarks/switch.py [--rounds N]``; it needs what the lab
needs. Prints one JSON object: medians in milliseconds, all measured values, median ratios, goals, and where
the time of a switch goes by its own journal.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import functools
import itertools
import json
import operator
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, Sequence, Tuple

from campaign.cli import scene_in
from campaign.scene import SIP_PORT, Scene, answers
from campaign.sight import HISTORY
from campaign.watch import until
from lab.boxes import Box
from lab.engines.tree import unpack
from lab.layers import appliance_layer
from support.packages import built_packages
from switchroom.box.sip import Probe
from switchroom.build import repo
from switchroom.build.keys import development_key
from switchroom.core import process
from switchroom.core.progress import Reporter

GOALS = {"restart": 1.1, "swap": 0.5}
SPANS = {
    "stop": ("stop intent", "stop done"),
    "flip": ("stop done", "flip done"),
    "start": ("flip done", "start done"),
}
SOUNDS = ("asterisk-sounds-core-en-gsm", "asterisk-moh-opsound-gsm")
REST_SECONDS = 1.0  # before and after each measurement

# What EL's %systemd_post and %systemd_preun expand to, in short.
PRESETS = 'if [ "$1" -eq 1 ]; then systemctl --no-reload preset asterisk.service; fi'
STOPS = 'if [ "$1" -eq 0 ]; then systemctl --no-reload disable --now asterisk.service; fi'
STARTS = "systemctl enable --now asterisk.service"
# The selector belongs to asterisk-common's links; a package of this kind would own their paths itself.
SPEC = """\
Name: {name}
Version: 1
Release: 1.lab
Summary: Asterisk as one of two packages that cannot stand beside each other
License: GPL-2.0-only
Conflicts: {rival}
Requires: asterisk-common
AutoReqProv: no
%description
A lab fixture.
%install
cp -a {tree}/usr %{{buildroot}}/
%post
ln -sfn {prefix} /etc/switchroom/engine
{presets}
%preun
{stops}
%posttrans
{last}
%files
/usr/lib64/switchroom/engines/*
/usr/share/licenses/*
"""
LAST = {"stopping": ":", "restarting": STARTS}  # kind of packages: what their %posttrans does
# Way: the kind of packages, and what is typed.
SWAPS = {
    "swap": ("stopping", f"systemctl stop asterisk.service && {{swap}} && {STARTS}"),
    "swap_alone": ("stopping", f"{{swap}} && {STARTS}"),
    "swap_restarting": ("restarting", "{swap}"),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10, help="measurements of each kind (default: 10)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="bench-switch-") as folder, contextlib.ExitStack() as stack:
        ways = prepare(Path(folder), stack)
        values: Dict[str, List[int]] = {name: [] for name in ways}
        for number in range(rounds):
            for name, (box, way) in ways.items():
                values[name].append(outage_ms(box, functools.partial(way, number)))
            print(f"round {number + 1}/{rounds}", file=sys.stderr)
        parts = journal_parts(ways["switch"][0])
    json.dump(result(values, parts), sys.stdout, indent=2)
    print()


Way = Callable[[int], object]  # does it once; told the number of the round


def prepare(folder: Path, stack: contextlib.ExitStack) -> Dict[str, Tuple[Box, Way]]:
    """Boot the boxes, all with the same engine, and return on which one to measure which way."""
    scene = scene_in(folder)
    publish(scene, [rpm for kind, last in LAST.items() for rpm in conflicting(folder / kind, kind, last)])
    ours = stack.enter_context(scene.box("bench-switch"))
    engines = (scene.routes["within"].engine, scene.old)
    for engine in engines:  # both installed beforehand
        switch(ours, engine)
    ways: Dict[str, Tuple[Box, Way]] = {
        "switch": (ours, lambda number: switch(ours, engines[number % 2])),
        "restart": (ours, lambda _number: ours.run("systemctl", "restart", "asterisk.service")),
    }
    boxes = {kind: stack.enter_context(swap_box(scene, kind)) for kind in LAST}
    turns = {kind: itertools.cycle(("ab", "ba")) for kind in LAST}
    for way, (kind, typed) in SWAPS.items():
        ways[way] = (boxes[kind], swapper(boxes[kind], kind, typed, turns[kind]))
    return ways


def swap_box(scene: Scene, kind: str) -> contextlib.AbstractContextManager[Box]:
    """Return a box with the first of two packages of a kind."""
    layer = appliance_layer(scene.repository, [f"{kind}-a", *SOUNDS])
    return dataclasses.replace(scene, layer=layer).box(f"bench-{kind}")


def switch(box: Box, engine: str) -> None:
    """Type the switch."""
    box.run("switchroom", "switch", engine, "--yes", "--now", timeout=300)


def swapper(box: Box, kind: str, typed: str, turn: Iterator[str]) -> Way:
    """Return what exchanges the package that is installed for the other one."""

    def swap(_number: int) -> None:
        old, new = (f"{kind}-{letter}" for letter in next(turn))
        dnf = f"dnf --assumeyes --quiet swap {old} {new}"
        box.run("sh", "-c", typed.format(swap=dnf), timeout=300)

    return swap


def outage_ms(box: Box, act: Callable[[], object]) -> int:
    """Return the longest time without an answer while ``act`` does its work."""
    with Probe(box.address, SIP_PORT) as probe:
        time.sleep(REST_SECONDS)
        act()
        until(lambda: answers(box), 60, "dial tone")
        time.sleep(REST_SECONDS)
    return round(probe.longest() * 1000)


def journal_parts(box: Box) -> Dict[str, int]:
    """Return the median milliseconds between records of all switches on a box."""
    runs = [times(journal) for journal in (box.root / HISTORY).glob("*/journal")]
    return {
        part: round(statistics.median((run[end] - run[start]) * 1000 for run in runs))
        for part, (start, end) in SPANS.items()
    }


def times(journal: Path) -> Mapping[str, float]:
    """Return the time of each record of a journal, by step and kind."""
    records = [json.loads(line.partition(" ")[2]) for line in journal.read_text().splitlines()]
    return {
        f"{record['step']} {record['kind']}": datetime.datetime.fromisoformat(record["time"]).timestamp()
        for record in records
    }


def conflicting(folder: Path, kind: str, last: str) -> Sequence[Path]:
    """Build the two packages of a kind, with the files of the engine 22."""
    built = built_packages()
    engine = built.series["22"]
    unpack(
        [rpm for rpm in built.packages if rpm.name.startswith(f"{engine.engine}-{engine.version}")], folder
    )
    scriptlets = {"presets": PRESETS, "stops": STOPS, "last": last}
    facts = {"tree": folder, "prefix": f"/usr/lib64/switchroom/engines/{engine.prefix_name}", **scriptlets}
    for letter, other in ("ab", "ba"):
        spec = folder / f"{letter}.spec"
        spec.write_text(SPEC.format(name=f"{kind}-{letter}", rival=f"{kind}-{other}", **facts))
        process.run(["rpmbuild", "-bb", "--define", f"_topdir {folder / 'build'}", spec])
    return sorted((folder / "build").rglob("*.rpm"))


def publish(scene: Scene, rpms: Sequence[Path]) -> None:
    """Offer more packages to the scene's boxes."""
    epoch, quiet = built_packages().epoch, Reporter(quiet=True)
    repo.publish(scene.repository, rpms, key=development_key(), epoch=epoch, reporter=quiet)
    repo.promote(scene.repository, None, key=development_key(), epoch=epoch, reporter=quiet)


def result(values: Mapping[str, Sequence[int]], parts: Mapping[str, int]) -> Mapping[str, object]:
    """Return medians, ratios and whether the goals are met."""
    medians = {way: round(statistics.median(found)) for way, found in values.items()}
    # Of the same round each: what else a machine does changes from round to round.
    ratios = {
        way: round(statistics.median(map(operator.truediv, values["switch"], values[way])), 2)
        for way in values
        if way != "switch"
    }
    return {
        "cpus": os.cpu_count(),
        "median_ms": medians,
        "switch_by": ratios,
        "goals": {way: {"at_most": most, "met": ratios[way] <= most} for way, most in GOALS.items()},
        "median_ms_of_a_switch_by_its_journal": parts,
        "all_ms": values,
    }


if __name__ == "__main__":
    main()
