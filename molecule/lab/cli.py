"""The lab's command line: boxes that stay until they are taken down."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn, Optional, Sequence

from lab import images, registry
from lab.boxes import Box, make_box
from lab.layers import appliance_layer, repository_bind
from lab.registry import Record
from lab.rpms.model import DRESSES
from lab.wardrobe import dress_layer
from switchroom.cli.main import report
from switchroom.core.errors import ExitCode, SwitchroomError, from_os_error
from switchroom.core.progress import Reporter

_QUICKSTART = Path(__file__).resolve().parents[2] / "work/repo"
_LINE = "{:<20} {:<15} {:<6} {}"


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run one command and return its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    args = _parser().parse_args(argv)
    as_json = getattr(args, "json", False)
    try:
        if os.geteuid() != 0:
            raise SwitchroomError("The lab needs root.", hint="Run it as root.", code=ExitCode.REFUSED)
        return int(args.handler(args) or 0)
    except SwitchroomError as error:
        return report(error, as_json)
    except OSError as error:
        return report(from_os_error(error), as_json)
    except KeyboardInterrupt:
        return report(SwitchroomError("Interrupted.", code=ExitCode.INTERRUPTED), as_json)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab",
        description="Boxes to try things in: booted systems dressed as Rocky, beside each other.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="make a box, or switch on one that is off")
    up.add_argument("name", metavar="NAME", help="small letters, digits and hyphens")
    up.add_argument(
        "--engines",
        nargs="+",
        metavar="SERIES",
        help="install the tool and these engines; the first is selected",
    )
    up.add_argument(
        "--repository",
        type=Path,
        metavar="DIR",
        help="the root they come from (default: quickstart's work/repo)",
    )
    up.add_argument("--dress", choices=DRESSES, help="the major of Enterprise Linux whose packages it sees")
    up.set_defaults(handler=_up)
    execute = commands.add_parser("exec", help="run a program in a box; its exit status is the command's")
    execute.add_argument("name", metavar="NAME")
    execute.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="and its arguments")
    execute.set_defaults(handler=_exec)
    shell = _named(commands, "shell", "open a shell in a box")
    shell.set_defaults(handler=lambda args: _enter(args.name, ()))
    _named(commands, "stop", "shut a box down cleanly; it stays").set_defaults(handler=_stop)
    _named(commands, "crash", "kill everything in a box at once").set_defaults(handler=_crash)
    cut = _named(commands, "power-cut", "the same, and lose what was not flushed to the disk")
    cut.set_defaults(handler=_power_cut)
    down = commands.add_parser("down", help="remove a box and all that is on it")
    which = down.add_mutually_exclusive_group(required=True)
    which.add_argument("name", nargs="?", metavar="NAME")
    which.add_argument("--all", action="store_true", help="every box but those of running tests")
    down.set_defaults(handler=_down)
    image = commands.add_parser("image", help="make a disk image of the lab's system, to start in QEMU")
    image.add_argument("out", type=Path, metavar="FILE", help="the image to write")
    image.add_argument("--ssh-key", type=Path, metavar="FILE", help="root's public key (else it asks)")
    image.add_argument("--repository", type=Path, metavar="DIR", help="as for 'up'")
    image.set_defaults(handler=_image)
    listing = commands.add_parser("list", help="show the boxes of this machine")
    listing.add_argument("--json", action="store_true", help="for machines")
    listing.set_defaults(handler=_list)
    return parser


def _named(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], word: str, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(word, help=text)
    parser.add_argument("name", metavar="NAME")
    return parser


def _up(args: argparse.Namespace) -> None:
    begun = time.monotonic()
    registry.sweep()
    box = _existing(args) or _make(args)
    if not box.running:
        box.start()
        state = box.wait_booted()
        print(f"The box '{box.name}' is up at {box.address} ({state}, {time.monotonic() - begun:.1f} s).")
    else:
        print(f"The box '{box.name}' is up already, at {box.address}.")
    print(f"Enter it with: scripts/lab shell {box.name}")


def _existing(args: argparse.Namespace) -> Optional[Box]:
    found = [record for record in registry.records() if record.name == args.name and record.owner is None]
    if found and (args.engines or args.repository or args.dress):
        raise SwitchroomError(
            f"There is a box '{args.name}' already; what is installed in it is not changed.",
            hint=f"Remove it first: scripts/lab down {args.name}",
            code=ExitCode.USAGE,
        )
    return Box(found[0]) if found else None


def _make(args: argparse.Namespace) -> Box:
    if not args.engines and not args.repository:
        return make_box(args.name, owned=False, dress=args.dress)
    root = (args.repository or _quickstart()).absolute()
    if not args.engines:
        return make_box(args.name, binds=repository_bind(root), owned=False, dress=args.dress)
    below = [dress_layer(args.dress)] if args.dress else []
    with Reporter().step("Preparing the engines"):
        layer = appliance_layer(
            root, ["switchroom", *(f"asterisk{series}" for series in args.engines)], below
        )
    return make_box(args.name, [layer], repository_bind(root), owned=False, dress=args.dress)


def _quickstart() -> Path:
    if not _QUICKSTART.is_dir():
        raise SwitchroomError(
            "There is no repository to install engines from.",
            hint="Make one with scripts/quickstart, or name yours with --repository.",
            code=ExitCode.REFUSED,
        )
    return _QUICKSTART


def _image(args: argparse.Namespace) -> int:
    return images.make(args.out, (args.repository or _quickstart()).absolute(), args.ssh_key)


def _exec(args: argparse.Namespace) -> NoReturn:
    words = args.words[1:] if args.words[:1] == ["--"] else args.words
    if not words:
        raise SwitchroomError(
            "No command to run in the box.",
            hint=f"Write it after --, or open a shell: scripts/lab shell {args.name}",
            code=ExitCode.USAGE,
        )
    _enter(args.name, words)


def _enter(name: str, words: Sequence[str]) -> NoReturn:
    box = Box(registry.find(name))
    command = box.terminal(words, tty=sys.stdin.isatty() and sys.stdout.isatty())
    os.execvp(command[0], command)  # noqa: S606 -- ssh takes this process's place, terminal and all


def _stop(args: argparse.Namespace) -> None:
    Box(registry.find(args.name)).stop()
    _tell_off(args.name, "was shut down")


def _crash(args: argparse.Namespace) -> None:
    Box(registry.find(args.name)).crash()
    _tell_off(args.name, "was killed")


def _power_cut(args: argparse.Namespace) -> None:
    Box(registry.find(args.name)).power_cut()
    _tell_off(args.name, "lost its power")


def _tell_off(name: str, what: str) -> None:
    print(f"The box '{name}' {what}. Switch it on again with: scripts/lab up {name}")


def _down(args: argparse.Namespace) -> None:
    registry.sweep()
    chosen = [record for record in registry.records() if record.owner is None]
    for record in chosen if args.all else [registry.find(args.name)]:
        Box(record).down()
        print(f"The box '{record.name}' is gone.")


def _list(args: argparse.Namespace) -> None:
    registry.sweep()
    rows = [_row(record) for record in registry.records()]
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    print(_LINE.format("NAME", "ADDRESS", "STATE", "OWNER") if rows else "There are no boxes.")
    for row in rows:
        owner = f"process {row['owner']}" if row["owner"] else "none: stays until 'down'"
        print(_LINE.format(row["name"], row["address"], row["state"], owner))


def _row(record: Record) -> dict[str, object]:
    box = Box(record)
    return {
        "name": record.name,
        "id": record.folder.name,
        "address": box.address,
        "state": "on" if box.running else "off",
        "owner": record.owner.pid if record.owner else None,
        "layers": list(record.layers),
        "console": str(box.console),
    }
