"""``switchroom repo keys``: the public keys that a repository hands to its readers."""

from __future__ import annotations

import argparse
from pathlib import Path

from switchroom.build.repo import keyring
from switchroom.build.repo.layout import CHANNELS, open_repo
from switchroom.cli.catalog_options import add_catalog_options
from switchroom.cli.context import Context, Subparsers, add_command
from switchroom.cli.repo_options import add_key_options, add_root, listing, signing_key, writing_epoch
from switchroom.core.errors import ExitCode

_DESCRIPTION = """Show the public keys that a repository hands out, or change them while a key is replaced.

A change is signed with --key, which must be one of them. Build the package switchroom-release anew from
DIR/RPM-GPG-KEY-switchroom afterwards: it is what boxes learn of a key by."""


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = add_command(commands, "keys", keys, "show, add or remove the keys handed out", _DESCRIPTION)
    add_root(parser)
    parser.add_argument(
        "--add",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="hand out this key too; repeatable",
    )
    parser.add_argument(
        "--remove",
        action="append",
        default=[],
        metavar="FINGERPRINT",
        help="hand out this key no more: nothing it signed may be in the repository; repeatable",
    )
    parser.add_argument("--vouch", action="store_true", help="vouch for the keys as they are, with --key")
    add_catalog_options(parser)
    add_key_options(parser)


def keys(args: argparse.Namespace, context: Context) -> int:
    """Run ``repo keys``."""
    open_repo(args.root, CHANNELS[0])
    if args.add or args.remove or args.vouch:
        epoch = writing_epoch(args)
        found = keyring.change(args.root, signing_key(args), epoch, add=args.add, remove=args.remove)
    else:
        found = keyring.show(args.root)
    lines = listing("added", found.added) + listing("removed", found.removed)
    lines += [f"{name}  {state}" for name, state in found.keys.items()]
    context.result(found.as_dict(), "\n".join(lines))
    return int(ExitCode.DONE)
