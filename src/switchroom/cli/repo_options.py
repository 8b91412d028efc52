"""Options that commands which sign have in common."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from switchroom.build.keys import SigningKey, development_key, open_key
from switchroom.core.errors import ExitCode, SwitchroomError


def add_key_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--key`` and ``--gnupghome``."""
    parser.add_argument(
        "--key",
        metavar="FINGERPRINT",
        help="sign with this key (default: a development key made on the spot, which nobody should trust)",
    )
    parser.add_argument(
        "--gnupghome",
        type=Path,
        metavar="DIR",
        help="the GnuPG home that holds the key (default: $GNUPGHOME or ~/.gnupg); unlock a passphrase in"
        " its agent first",
    )


def signing_key(args: argparse.Namespace) -> SigningKey:
    """Return the key the options name."""
    if args.key:
        default = Path(os.environ.get("GNUPGHOME") or Path.home() / ".gnupg")
        return open_key(args.key, args.gnupghome or default)
    if args.gnupghome:
        raise SwitchroomError(
            f"'--gnupghome {args.gnupghome}' is given without '--key'.",
            hint="Name the key by its fingerprint with --key.",
            code=ExitCode.USAGE,
        )
    return development_key()
