"""What the commands have in common that make an image from a base and a published repository."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Dict

from switchroom.build.iso.origin import Origin
from switchroom.build.kickstart import site
from switchroom.build.kickstart.credentials import password_hash_of, ssh_keys_of
from switchroom.build.repo.layout import CHANNELS, STABLE
from switchroom.build.workspace import source_date_epoch
from switchroom.catalog.model import Catalog
from switchroom.cli.build_kickstart import add_login_arguments
from switchroom.cli.catalog_options import add_catalog_options
from switchroom.cli.repo_options import add_key_options, signing_key


def add_origin_options(parser: argparse.ArgumentParser) -> None:
    """Add what says what the base must be; ``--base`` is each command's own."""
    parser.add_argument("--base-sha256", default="", metavar="SUM", help="the SHA-256 the base must have")
    parser.add_argument(
        "--base-sums",
        default="",
        metavar="FILE",
        help="the publisher's signed checksums, a path or an address",
    )
    parser.add_argument(
        "--base-unverified",
        action="store_true",
        help="use a base that its own media checksum says is damaged; the manifest tells",
    )
    parser.add_argument("--base-key", type=Path, metavar="FILE", help="the publisher's public key")


def add_content_options(parser: argparse.ArgumentParser) -> None:
    """Add what goes into an image: packages, first boot, root's credentials; and key and catalog."""
    parser.add_argument(
        "--repo",
        action="append",
        default=[],
        metavar="ID=PATH",
        help="a local repository to copy packages from that the base lacks; may be given again",
    )
    parser.add_argument(
        "--repo-key",
        action="append",
        default=[],
        metavar="ID=FILE",
        help="the public key that signs the packages of --repo ID; each --repo needs one",
    )
    parser.add_argument("--channel", choices=CHANNELS, default=STABLE, help=f"default: {STABLE}")
    parser.add_argument(
        "--site-vars", type=Path, metavar="FILE", help="variables of the roles for the first boot, in YAML"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing output")
    add_login_arguments(parser)
    add_key_options(parser)
    add_catalog_options(parser)


def ordered(args: argparse.Namespace, catalog: Catalog) -> Dict[str, Any]:
    """Return what both kinds of order have in common, by the names that these give it."""
    return {
        "base": Origin(
            args.base, args.base_sha256, args.base_sums, args.base_key, unverified=args.base_unverified
        ),
        "out": args.out.absolute(),
        "repo_root": args.repo_root,
        "channel": args.channel,
        "key": signing_key(args),
        "epoch": source_date_epoch(catalog.epoch),
        "ssh_keys": [key for path in args.ssh_key for key in ssh_keys_of(path)],
        "password_hash": password_hash_of(args.password_hash_file) if args.password_hash_file else "",
        "variables": site.variables_of(args.site_vars) if args.site_vars else {},
        "force": args.force,
    }
