"""``switchroom build``: facts to artefacts."""

from __future__ import annotations

from switchroom.cli.context import Subparsers, add_group


def register(subparsers: Subparsers) -> None:
    """Add the group and its subcommands, in the order they are used."""
    add_group(subparsers, "build", "make sources, packages, kickstarts and the installer image")
    # Each build_X module adds itself here: build_X.register(commands)
