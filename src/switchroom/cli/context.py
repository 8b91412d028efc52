"""What every command is given: the reporter, the JSON switch, and where the facts are."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import Any, List, Protocol, Sequence

from switchroom.core import words
from switchroom.core.progress import Reporter


@dataclass(frozen=True)
class Context:
    """The settings shared by all commands."""

    json: bool
    reporter: Reporter

    def result(self, data: Any, text: str) -> None:
        """Print a command's result: ``data`` as JSON under --json, else ``text``."""
        if self.json:
            sys.stdout.write(words.to_json(data, indent=2) + "\n")
        elif text:
            sys.stdout.write(text.rstrip("\n") + "\n")


class Handler(Protocol):
    """What a command does; returns the exit code."""

    def __call__(self, args: argparse.Namespace, context: Context) -> int:
        """Run the command."""


Subparsers = Any  # argparse keeps the type of add_subparsers() private


def named(words: Sequence[str], names: Sequence[str]) -> List[str]:
    """Return the one of ``names`` that the first word is, else all: only what is called gets imported."""
    return [name for name in names if [name] == list(words[:1])] or list(names)


def add_command(
    subparsers: Subparsers, name: str, handler: Handler, summary: str, description: str = ""
) -> argparse.ArgumentParser:
    """Add one subcommand with the switches every command has, and return its parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=summary,
        description=description or summary,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
    parser.add_argument("-v", "--verbose", action="store_true", help="log every command that is run")
    parser.set_defaults(handler=handler)
    return parser


def add_group(subparsers: Subparsers, name: str, summary: str) -> Subparsers:
    """Add a command that only holds subcommands."""
    parser = subparsers.add_parser(name, help=summary, description=summary)
    return parser.add_subparsers(dest=f"{name}_command", required=True, metavar="COMMAND")
