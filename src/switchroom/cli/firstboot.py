"""``switchroom firstboot``: what the first boot's unit runs, and a person who mended what stopped it."""

from __future__ import annotations

import argparse
import os
from typing import Sequence

from switchroom.box.firstboot.places import Places
from switchroom.box.firstboot.run import run, show_ready
from switchroom.box.paths import Paths
from switchroom.cli.context import Context, Subparsers, add_command
from switchroom.core.errors import ExitCode, SwitchroomError

_DESCRIPTION = """\
Make a PBX of this freshly installed box: apply the site playbook with the settings in
/etc/switchroom/first-boot.yml and the packages that the installation left, then prove dial tone.
switchroom-first-boot.service runs it; run it by hand after mending what stopped it.

Exit codes: 0 done, or nothing to do; 1 failed, 3 at work already, 4 the box needs attention."""


def register(subparsers: Subparsers, _words: Sequence[str]) -> None:
    """Add the command."""
    parser = add_command(subparsers, "firstboot", _run, "make a PBX of a freshly installed box", _DESCRIPTION)
    parser.add_argument(
        "--unattended", action="store_true", help="nobody watches: show it on the console, give up in the end"
    )
    parser.add_argument(
        "--issue", action="store_true", help="only show address and state on the login screen"
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    places = Places(Paths())
    if os.geteuid() != 0:
        raise SwitchroomError(
            "Only root can set up a box.", hint="Run it again with sudo.", code=ExitCode.REFUSED
        )
    if args.issue:
        show_ready(places)
        return ExitCode.DONE
    worked = run(places, args.unattended)
    context.result({"done": True, "worked": worked}, "" if worked else "The first boot is done already.")
    return ExitCode.DONE
