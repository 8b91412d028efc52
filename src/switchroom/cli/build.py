"""``switchroom build``: facts to artefacts."""

from __future__ import annotations

from switchroom.cli import build_iso, build_kickstart, build_packages, build_sources
from switchroom.cli.context import Subparsers, add_group


def register(subparsers: Subparsers) -> None:
    """Add the group and its subcommands, in the order they are used."""
    commands = add_group(subparsers, "build", "make sources, packages, kickstarts and the installer image")
    for command in (build_sources, build_packages, build_kickstart, build_iso):
        command.register(commands)
