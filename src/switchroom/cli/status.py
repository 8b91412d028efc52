"""``switchroom status``: where this box stands."""

from __future__ import annotations

import argparse
from typing import List, Optional, Sequence

from switchroom.box.health import judge
from switchroom.box.packages.freshness import problems
from switchroom.box.paths import Paths
from switchroom.box.settings import load_settings
from switchroom.box.switch import status
from switchroom.box.switch.outcome import End, Outcome
from switchroom.box.switch.status import Open, Status
from switchroom.cli import switch_follow, switch_words
from switchroom.cli.context import Context, Subparsers, add_command
from switchroom.core.errors import ExitCode

_DESCRIPTION = """\
Show which Asterisk is selected, which runs, and what a switch is doing or did last.

Exit codes: 0 settled, or a switch is under way; 4 the box needs attention.
With --idle: 0 nobody works on this box's Asterisk; 3 a switch is under way.
"""


def register(subparsers: Subparsers, _words: Sequence[str]) -> None:
    """Add the command."""
    parser = add_command(subparsers, "status", _run, "show where this box stands", _DESCRIPTION)
    parser.add_argument("--follow", action="store_true", help="watch the switch that is under way to its end")
    parser.add_argument(
        "--idle", action="store_true", help="only say whether other work on packages may begin, for timers"
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    paths = Paths()
    if args.idle:
        return idle(paths, context)
    now = status.read(paths)
    if args.follow and now.transaction and now.transaction.working:
        return follow(paths, now.transaction.id, context)
    return show(paths, context)


def idle(paths: Paths, context: Context) -> int:
    """Say whether a worker has the package manager for itself; what only looks like a switch is no reason."""
    at_work = status.working(paths)
    verdict = ExitCode.REFUSED if at_work else ExitCode.DONE
    words = (
        "A switch of Asterisk is under way: see 'switchroom status'."
        if at_work
        else "No switch is under way."
    )
    context.result({"idle": not at_work, "exit_code": int(verdict)}, words)
    return int(verdict)


def show(paths: Paths, context: Context) -> int:
    """Show where the box stands and return the exit code that means."""
    now = status.read(paths)
    verdict, stale = code(now, unsolved(paths, now)), problems(paths)
    data = {**now.as_dict(), "repositories": stale, "exit_code": int(verdict)}
    context.result(data, "\n".join([text(now, verdict), *(f"Packages:  {line}" for line in stale)]))
    return int(verdict)


def follow(paths: Paths, transaction: str, context: Context) -> int:
    """Watch a transaction to its end, show how it ended, and return the exit code that means."""
    ended = switch_follow.follow(paths, transaction, context.json)
    if ended is None:
        return int(ExitCode.DONE)
    if context.json:
        switch_follow.print_json({"event": "result", **ended.as_dict()})
    else:
        context.result(None, switch_words.outcome(ended))
    return int(ended.code)


def unsolved(paths: Paths, now: Status) -> bool:
    """Return whether the last switch ended in need of attention and the box still is not healthy."""
    if now.transaction or not now.last or now.last.outcome is not End.ATTENTION:
        return False
    return not judge.measure(paths, load_settings(paths)).healthy


def code(now: Status, ill: bool) -> ExitCode:
    """Return the exit code that a box's state means."""
    if now.transaction:
        return ExitCode.DONE if now.transaction.working else ExitCode.ATTENTION
    broken = ill or now.active is None or now.running != now.active
    return ExitCode.ATTENTION if broken else ExitCode.DONE


def text(now: Status, verdict: ExitCode) -> str:
    """Return a box's state in words."""
    lines = [
        f"Selected:  {_engine(now.active)}",
        f"Running:   {_engine(now.running)} (asterisk.service is {now.service})",
        f"Previous:  {_engine(now.previous)}",
        f"Installed: {', '.join(now.installed) or 'none'}",
        *_open(now.transaction),
        *_last(now.last),
    ]
    if verdict is ExitCode.ATTENTION:
        lines += ["", "This box needs attention.", *_advice(now)]
    return "\n".join(lines)


def _engine(name: Optional[str]) -> str:
    return f"Asterisk {name}" if name else "none"


def _open(transaction: Optional[Open]) -> List[str]:
    if transaction is None:
        return ["Switch:    none under way"]
    if transaction.problem:
        return [f"Switch:    its journal cannot be read: {transaction.problem}"]
    return [
        f"Switch:    {transaction.source} -> {transaction.target}, since {transaction.since}",
        f"           {transaction.phase}",
        f"           {transaction.next}",
    ]


def _last(last: Optional[Outcome]) -> List[str]:
    if last is None:
        return []
    reason = f": {last.reason}" if last.reason else ""
    return [f"Last:      {last.source} -> {last.target}, {last.outcome.value}{reason}"]


def _advice(now: Status) -> List[str]:
    if now.transaction:
        return [f"  {now.transaction.next}"]
    if now.active is None:
        return ["  No whole engine is selected: systemctl start switchroom-recover.service"]
    if now.running is None:
        return ["  Asterisk does not run: systemctl start asterisk.service; journalctl -u asterisk.service"]
    if now.running != now.active:
        return [
            f"  Asterisk {now.running} runs, though {now.active} is selected; when no call is up:",
            "  systemctl restart asterisk.service",
        ]
    return [f"  {now.last.hint}"] if now.last else []
