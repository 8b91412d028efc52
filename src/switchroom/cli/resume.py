"""The ``resume`` command: what systemd runs to carry a switch out, after a crash too."""

from __future__ import annotations

import argparse
from typing import Sequence

from switchroom.box.paths import Paths
from switchroom.box.switch import recover, transaction
from switchroom.cli.context import Context, Subparsers, add_command
from switchroom.core import words
from switchroom.core.errors import ExitCode


def register(subparsers: Subparsers, _words: Sequence[str]) -> None:
    """Add the ``resume`` command."""
    parser = add_command(
        subparsers,
        "resume",
        _resume,
        "go on with a switch that was interrupted",
        "Carry the open switch to its end: the new engine healthy, or the old one again. "
        "switchroom-resume.service runs it, also at boot; without an open switch it does nothing.",
    )
    parser.add_argument(
        "--early",
        action="store_true",
        help="only settle which engine is selected, before Asterisk starts (switchroom-recover.service)",
    )


def _resume(args: argparse.Namespace, context: Context) -> int:
    paths = Paths()
    if args.early:
        recover.recover(paths, _say)
        return ExitCode.DONE
    outcome = transaction.run(paths, _silent if context.json else _say)
    if outcome is None:
        context.result(None, "There is no switch to go on with.")
        return ExitCode.DONE
    context.result(outcome.as_dict(), f"hint: {outcome.hint}" if outcome.hint else "")
    return outcome.code


def _say(text: str) -> None:
    print(words.line(text), flush=True)


def _silent(_text: str) -> None:
    """Say nothing: the result is printed as JSON."""
