"""The campaign's command line."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Mapping, NoReturn, Optional, Sequence

from campaign import report
from campaign.campaign import carry_out, rehearse_all
from campaign.order import Choice, Victim, When, draw
from campaign.scene import ROUTES, Scene, prepare
from lab.engines.shelf import Shelf
from support.packages import built_packages
from switchroom.build.workspace import cache_dir
from switchroom.cli.main import report as report_error
from switchroom.core.errors import ExitCode, SwitchroomError, from_os_error
from switchroom.core.files import write_atomic

_ABOUT = """\
Kill a switch of Asterisk at many instants, each time on a fresh box, and judge what comes back.

Exit code 0 when every box came back whole and with dial tone, 1 when one did not: its evidence is kept.
The same seed draws the same trials."""
_ALL: Mapping[str, Sequence[Victim]] = {
    **{victim.value: (victim,) for victim in Victim},
    "all": (Victim.TOOL, Victim.DNF, Victim.BOX, Victim.POWER, Victim.TOOL, Victim.BOX, Victim.CLIENT),
}


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run a campaign and return its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    args = _parser().parse_args(argv)
    try:
        if os.geteuid() != 0:
            raise SwitchroomError("The campaign needs root.", hint="Run it as root.", code=ExitCode.REFUSED)
        return _campaign(args)
    except SwitchroomError as error:
        return report_error(error, as_json=False)
    except OSError as error:
        return report_error(from_os_error(error), as_json=False)
    except KeyboardInterrupt:
        return report_error(SwitchroomError("Interrupted.", code=ExitCode.INTERRUPTED), as_json=False)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crash-campaign",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--count", type=int, default=0, help="trials; by records the default is every one, once a victim")
    add("--seed", type=int, default=1, help="what the trials are drawn from (default: 1)")
    add("--victim", choices=sorted(_ALL), default="all", help="what is killed (default: all in turn)")
    add("--at", choices=[when.value for when in When], default="random", help="the instant (default: random)")
    add("--route", choices=[*ROUTES, "all"], default="within", help="which switch (default: within)")
    add("--jobs", type=int, choices=range(1, 9), default=1, metavar="N", help="trials at once (default: 1)")
    add("--json", type=Path, metavar="FILE", help="write the whole report there too")
    add(
        "--evidence",
        type=Path,
        metavar="FOLDER",
        help="of failed trials (default: the cache)",
    )
    return parser


def _campaign(args: argparse.Namespace) -> int:
    choice = Choice(
        count=args.count,
        seed=args.seed,
        victims=_ALL[args.victim],
        when=When(args.at),
        routes=tuple(ROUTES) if args.route == "all" else (args.route,),
    )
    if not choice.count and choice.when is not When.RECORD:
        raise SwitchroomError("How many trials?", hint="Say so with --count.", code=ExitCode.USAGE)
    start = time.monotonic()
    evidence = args.evidence or cache_dir("lab", "campaign")
    with tempfile.TemporaryDirectory(prefix="crash-campaign-") as folder:
        scene = scene_in(Path(folder))
        rehearsals = rehearse_all(scene, choice.routes, evidence, _say)
        trials = draw(choice, {name: len(found.records) for name, found in rehearsals.items()})
        outcomes = carry_out(trials, scene, rehearsals, evidence, say=_say, jobs=args.jobs)
    return _tell(args, outcomes, time.monotonic() - start)


def _tell(args: argparse.Namespace, outcomes: Sequence[report.Outcome], seconds: float) -> int:
    if args.json:
        write_atomic(args.json, json.dumps(report.as_json(outcomes, args.seed, seconds), indent=2).encode())
    print(report.as_text(outcomes, args.seed, seconds))
    return ExitCode.FAILED if any(outcome.problems for outcome in outcomes) else ExitCode.DONE


def scene_in(folder: Path) -> Scene:
    """Return the scene of the project as it is now, built where that is needed, with its repository here."""
    built = built_packages()
    return prepare(Shelf(built.packages, built.series), built.epoch, folder)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
