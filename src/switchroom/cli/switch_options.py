"""The options of ``switchroom switch``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from switchroom.box.settings import Settings
from switchroom.box.switch.survey import Wish
from switchroom.cli.context import Handler, Subparsers, add_command
from switchroom.core.errors import ExitCode, SwitchroomError

OTHER_NAME = "asterisk-version-switch"
_DESCRIPTION = """\
Move this box to another Asterisk, and back by itself if that does not come up healthy.

TARGET is a series (22), an exact version (22.10.1), an exact build (22.10.1-2), or a certified
branch or version (certified-22.8, 22.8cert4). Without TARGET, on a terminal, a menu is shown.

Exit codes: 0 done, 1 failed and rolled back or given up, 2 bad usage, 3 refused (nothing changed),
4 needs attention. The same as asterisk-version-switch; docs/switch.md tells more.
"""


def add_switch_command(subparsers: Subparsers, handler: Handler) -> None:
    """Add the command with its options."""
    parser = add_command(subparsers, "switch", handler, "move this box to another Asterisk", _DESCRIPTION)
    if Path(sys.argv[0]).name == OTHER_NAME:
        parser.prog = OTHER_NAME
    parser.add_argument("target", nargs="?", metavar="TARGET", help="series, version or build to move to")
    instead = parser.add_mutually_exclusive_group()
    for name, text in (
        ("rollback", "move back to the engine that ran before"),
        ("check", "only scan the configuration for what TARGET lacks or changed"),
        ("list", "only list the engines there are"),
        ("prune", "remove the engines that are neither active nor the one to roll back to"),
        ("cancel", "ask the switch that is under way to give up before it stops anything"),
    ):
        instead.add_argument(f"--{name}", action="store_true", help=text)
    _add_manners(parser)


def _add_manners(parser: argparse.ArgumentParser) -> None:
    for name, metavar, text in (
        ("drain-timeout", "SECONDS", "how long calls in progress may go on (default: drain.timeout)"),
        ("health-timeout", "SECONDS", "how long the new engine may take (default: health.timeout)"),
    ):
        parser.add_argument(f"--{name}", type=_seconds, metavar=metavar, help=text)
    parser.add_argument("--channel", choices=("testing",), help="take packages from this channel too, once")
    parser.add_argument(
        "--acknowledge",
        action="append",
        default=[],
        metavar="KEY",
        help="go on although this was found (repeatable)",
    )
    for name, text in (
        ("now", "do not wait for calls to end: cut them"),
        ("dry-run", "show what would happen, change nothing"),
        ("yes", "ask no question on a terminal"),
        ("detach", "return once the switch is under way"),
    ):
        parser.add_argument(f"--{name}", action="store_true", help=text)


def wish(args: argparse.Namespace, settings: Settings) -> Wish:
    """Return what was asked for, completed from the box's settings."""
    given = (args.drain_timeout, args.health_timeout)
    usual = (settings.drain.timeout, settings.health.timeout)
    drain, health = (own if one is None else one for one, own in zip(given, usual))
    return Wish(drain, health, args.now, tuple(args.acknowledge), args.channel)


def refuse_nonsense(args: argparse.Namespace, interactive: bool) -> None:
    """Raise a usage error for options that do not go together, or nothing to do without a terminal."""
    alone = args.rollback or args.list or args.prune or args.cancel
    if args.target and alone:
        raise SwitchroomError(
            f"The target '{args.target}' was named, but the option given with it takes none.",
            hint="Leave one of the two out.",
            code=ExitCode.USAGE,
        )
    if not args.target and not alone and (args.check or not interactive):
        raise SwitchroomError(
            "No target was named.",
            hint="Name one, for example 'asterisk-version-switch 22'; '--list' shows what there is.",
            code=ExitCode.USAGE,
        )


def _seconds(text: str) -> float:
    """Return a time limit; argparse makes a usage error of the ValueError."""
    value = float(text)
    if not 0 <= value <= 86400:  # noqa: PLR2004 - a day, as settings.schema.json has it
        raise ValueError(text)
    return value


_seconds.__name__ = "number of seconds"  # how argparse names it in its error
