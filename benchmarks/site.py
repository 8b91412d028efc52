"""How long the site playbook takes on one box and on five: first converge, and a run that changes nothing.

In each round, for each number of fresh boxes in turn:

- ``gather``: a play that only gathers the facts that site.yml gathers: what any run costs, and the measure of
  how busy the machine is;
- ``converge``: the site playbook on the bare boxes;
- ``no_change``: the same again.

All boxes are dressed as Enterprise Linux 9, on this machine, so five of them share its processors. Times of
tasks are from ``callbacks/task_times.py``.

Run it as root: ``PYTHONPATH=src:molecule:tests python benchmarks/site.py [--rounds N]``; it needs what the
lab needs. Prints a table, and as its last line one JSON object: median seconds, all
measured values, median ratios to ``gather`` of the same round, the goal, and the slowest tasks.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Sequence

import yaml

from lab.boxes import Box, new_box
from lab.layers import repository_bind
from support import collection, molecule

HERE = Path(__file__).parent
GOAL_SECONDS = 25.0  # of a run that changes nothing on one box, beyond gathering facts
WAYS = ("gather", "converge", "no_change")
SLOWEST = 10
GATHERING = "gather_facts"
SITE = "switchroom.pbx.site"
# Beyond what molecule's boxes are told: EPEL has fail2ban.
VARIABLES = {"repositories_epel": True, "repositories_crb": True}


class Run(NamedTuple):
    """One run of a playbook."""

    seconds: float
    tasks: List[Dict[str, Any]]

    @property
    def beyond_gathering(self) -> float:
        """How long all but the gathering of facts took."""
        gathering = [float(task["seconds"]) for task in self.tasks if task["action"] == GATHERING]
        return self.seconds - sum(gathering)


Values = Dict[int, Dict[str, List[Run]]]  # by number of boxes and way


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind (default: 3)")
    parser.add_argument("--boxes", type=int, nargs="+", default=[1, 5], help="how many (default: 1 5)")
    parser.add_argument("--profile", default="asterisk", help="pbx_profile (default: asterisk)")
    args = parser.parse_args()
    values: Values = {count: {way: [] for way in WAYS} for count in args.boxes}
    with tempfile.TemporaryDirectory(prefix="bench-site-") as folder:
        scene = Scene(Path(folder), args.profile)
        for number in range(args.rounds):
            for count in args.boxes:
                measure(scene, count, values[count])
                print(f"round {number + 1}/{args.rounds}, {count} boxes", file=sys.stderr)
    found = result(values, args.profile)
    print(table(found))
    print(json.dumps(found))


class Scene:
    """The repository, the installed collection and the inventory of one run of this program."""

    def __init__(self, folder: Path, profile: str) -> None:
        self.folder, self.profile = folder, profile
        self.environment = molecule.prepare(folder)
        (folder / "gather.yml").write_text(gathering())

    def play(self, boxes: Sequence[Box], playbook: str) -> Run:
        """Run a playbook on boxes."""
        inventory, times = self.folder / "inventory.yml", self.folder / "times.jsonl"
        inventory.write_text(yaml.safe_dump(self.inventory(boxes)))
        begun = time.monotonic()
        done = subprocess.run(
            ["ansible-playbook", "-i", inventory, playbook],
            env={**os.environ, **self.environment, **self.settings(times)},
            check=False,
            capture_output=True,
            text=True,
        )
        seconds = time.monotonic() - begun
        if done.returncode != 0:
            sys.exit(done.stdout + done.stderr)
        return Run(seconds, [json.loads(line) for line in times.read_text().splitlines()])

    def settings(self, times: Path) -> Dict[str, str]:
        """Return Ansible's settings; no connection of the run before is left over to be used."""
        return {
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "task_times",
            "TASK_TIMES": str(times),
            "ANSIBLE_HOST_KEY_CHECKING": "false",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": tempfile.mkdtemp(dir=self.folder),
            "ANSIBLE_NOCOLOR": "1",
        }

    def inventory(self, boxes: Sequence[Box]) -> Mapping[str, object]:
        """Return the inventory: molecule's variables, and these boxes."""
        shared = yaml.safe_load((collection.ROOT / "molecule/shared/inventory/hosts.yml").read_text())
        variables = {
            **shared["all"]["vars"],
            **VARIABLES,
            "pbx_profile": self.profile,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": self.environment["LAB_SSH_KEY"],
            "ansible_pipelining": True,
        }
        hosts = {box.name: {"ansible_host": box.address} for box in boxes}
        return {"all": {"vars": variables, "children": {"pbx": {"hosts": hosts}}}}


def gathering() -> str:
    """Return a playbook that gathers what site.yml gathers, and nothing more."""
    (first, *_) = yaml.safe_load((collection.ROOT / "playbooks/site.yml").read_text())
    play = {"name": "Gather", "hosts": "pbx", "gather_subset": first["gather_subset"]}
    return yaml.safe_dump([play])


def measure(scene: Scene, count: int, values: Dict[str, List[Run]]) -> None:
    """Measure all ways on that many fresh boxes."""
    with boxes_of(scene, count) as boxes:
        for way in WAYS:
            playbook = str(scene.folder / "gather.yml") if way == "gather" else SITE
            values[way].append(scene.play(boxes, playbook))


@contextlib.contextmanager
def boxes_of(scene: Scene, count: int) -> Iterator[List[Box]]:
    """Give fresh boxes that see the repository."""
    binds = repository_bind(Path(scene.environment["LAB_REPOSITORY"]))
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(new_box(f"bench-site-{number}", binds=binds, dress="el9"))
            for number in range(count)
        ]


def result(values: Values, profile: str) -> Dict[str, Any]:
    """Return medians, ratios, the goal and the slowest tasks."""
    beyond = {
        count: median([run.beyond_gathering for run in ways["no_change"]]) for count, ways in values.items()
    }
    return {
        "cpus": os.cpu_count(),
        "profile": profile,
        "median_seconds": each(values, lambda ways, way: median([run.seconds for run in ways[way]])),
        # Of the same round each: what else a machine does changes from round to round.
        "by_gather": each(values, ratio),
        "no_change_beyond_gathering": beyond,
        "goal": {"at_most": GOAL_SECONDS, "met": beyond.get(1, 0.0) <= GOAL_SECONDS},
        "slowest": each(values, lambda ways, way: slowest(ways[way])),
        "all_seconds": each(values, lambda ways, way: [round(run.seconds, 1) for run in ways[way]]),
    }


def each(values: Values, make: Any) -> Dict[int, Dict[str, Any]]:
    """Return what ``make`` says of each way on each number of boxes."""
    return {count: {way: make(ways, way) for way in WAYS} for count, ways in values.items()}


def ratio(ways: Dict[str, List[Run]], way: str) -> float:
    """Return how many times as long as gathering facts a way takes."""
    pairs = zip(ways[way], ways["gather"])
    return round(statistics.median(run.seconds / bare.seconds for run, bare in pairs), 1)


def median(values: Sequence[float]) -> float:
    """Return the median, to a tenth of a second."""
    return round(statistics.median(values), 1)


def slowest(runs: Sequence[Run]) -> List[Dict[str, Any]]:
    """Return the tasks that took longest in a run, the same task of a role counted together."""
    totals: Dict[tuple[str, str], List[float]] = collections.defaultdict(list)
    for run in runs:
        sums: Dict[tuple[str, str], float] = collections.defaultdict(float)
        for task in run.tasks:
            sums[task["role"].rpartition(".")[2], task["task"]] += task["seconds"]
        for name, seconds in sums.items():
            totals[name].append(seconds)
    ranked = sorted(totals.items(), key=lambda item: -statistics.median(item[1]))[:SLOWEST]
    return [{"role": role, "task": task, "seconds": median(found)} for (role, task), found in ranked]


def table(found: Mapping[str, Any]) -> str:
    """Return the result for people."""
    lines = [f"profile {found['profile']}, {found['cpus']} processors, median seconds", ""]
    lines.append(f"{'boxes':>5} {'gather':>8} {'converge':>9} {'no change':>10} {'beyond gathering':>17}")
    for count, ways in found["median_seconds"].items():
        beyond = found["no_change_beyond_gathering"][count]
        lines.append(
            f"{count:>5} {ways['gather']:>8} {ways['converge']:>9} {ways['no_change']:>10} {beyond:>17}"
        )
    for count, ways in found["slowest"].items():
        for way in WAYS[1:]:
            lines += ["", f"slowest tasks, {way}, {count} boxes:"]
            lines += [f"{task['seconds']:>7} s  {task['role']}: {task['task']}" for task in ways[way]]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
