"""``switchroom build``: facts to artefacts."""

from __future__ import annotations

import importlib
from typing import Sequence

from switchroom.cli.context import Subparsers, add_group, named

_COMMANDS = ("sources", "packages", "kickstart", "iso", "image")


def register(subparsers: Subparsers, words: Sequence[str]) -> None:
    """Add the group and the subcommand that the words name, or all in the order they are used."""
    commands = add_group(subparsers, "build", "make sources, packages, kickstarts, installer and disk images")
    for name in named(words, _COMMANDS):
        importlib.import_module(f"switchroom.cli.build_{name}").register(commands)
