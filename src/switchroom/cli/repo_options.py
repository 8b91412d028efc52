"""What the commands of a repository have in common."""

from __future__ import annotations

import argparse
import datetime
import os
from pathlib import Path
from typing import List, Sequence

from switchroom.build import workspace
from switchroom.build.keys import SigningKey, development_key, open_key
from switchroom.build.repo.binding import VALID_DAYS
from switchroom.build.repo.layout import MAJORS
from switchroom.cli.catalog_options import add_catalog_options, catalog_from
from switchroom.core.errors import ExitCode, SwitchroomError


def add_root(parser: argparse.ArgumentParser) -> None:
    """Add ``--root``."""
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="the repository's folder")


def add_major(parser: argparse.ArgumentParser) -> None:
    """Add ``--el``."""
    parser.add_argument(
        "--el",
        type=int,
        choices=MAJORS,
        default=MAJORS[0],
        help="Enterprise Linux major; default: %(default)s",
    )


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    """Add ``--dry-run``."""
    parser.add_argument("--dry-run", action="store_true", help="check everything, change nothing")


def add_writing(parser: argparse.ArgumentParser) -> None:
    """Add what a command takes that makes a new generation."""
    add_major(parser)
    add_dry_run(parser)
    add_until(parser)
    add_catalog_options(parser)
    add_key_options(parser)


def add_until(parser: argparse.ArgumentParser) -> None:
    """Add ``--valid-until``."""
    parser.add_argument(
        "--valid-until",
        type=datetime.date.fromisoformat,
        metavar="DATE",
        help=f"the last day (UTC) on which boxes take the metadata (default: in {VALID_DAYS} days)",
    )


def writing_epoch(args: argparse.Namespace) -> int:
    """Return the date that signatures and metadata carry, in seconds since 1970."""
    return workspace.source_date_epoch(catalog_from(args).epoch)


def listing(title: str, names: Sequence[str]) -> List[str]:
    """Return lines for a person: a title with the count, and a name a line; nothing without names."""
    return [f"{title} ({len(names)}):", *(f"  {name}" for name in names)] if names else []


def add_key_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--key``, ``--gnupghome`` and ``--passphrase-file``."""
    parser.add_argument(
        "--key",
        metavar="FINGERPRINT",
        help="sign with this key or signing subkey (default: a development key made on the spot, which nobody"
        " should trust)",
    )
    parser.add_argument(
        "--gnupghome",
        type=Path,
        metavar="DIR",
        help="the GnuPG home that holds the key (default: $GNUPGHOME or ~/.gnupg); unlock a passphrase in"
        " its agent first, or give --passphrase-file",
    )
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="without a terminal: the passphrase is this file's first line; its mode must be 0600",
    )


def signing_key(args: argparse.Namespace) -> SigningKey:
    """Return the key the options name."""
    if args.key:
        default = Path(os.environ.get("GNUPGHOME") or Path.home() / ".gnupg")
        return open_key(args.key, args.gnupghome or default, args.passphrase_file)
    given = args.gnupghome or args.passphrase_file
    if given:
        option = "--gnupghome" if args.gnupghome else "--passphrase-file"
        raise SwitchroomError(
            f"'{option} {given}' is given without '--key'.",
            hint="Name the key by its fingerprint with --key.",
            code=ExitCode.USAGE,
        )
    return development_key()
