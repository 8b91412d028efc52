"""``switchroom build image``: make a disk image of the appliance, without an installer."""

from __future__ import annotations

import argparse
import datetime
import os
from pathlib import Path

from switchroom.build.image import mounts
from switchroom.build.image.build import Built, Order, build_image
from switchroom.build.iso.foreign import parse_foreign
from switchroom.build.kickstart.defaults import load_disks
from switchroom.build.kickstart.settings import default_of
from switchroom.catalog.model import Catalog, Series
from switchroom.cli.build_options import add_content_options, add_origin_options, ordered
from switchroom.cli.catalog_options import catalog_from
from switchroom.cli.context import Context, Subparsers, add_command
from switchroom.core.errors import ExitCode

_DESCRIPTION = """Make a qcow2 disk image of what the installer image installs, without an installer:
its packages come from the base ISO and a published repository. It starts under BIOS and UEFI. Needs root, and
a machine of the base's own Enterprise Linux major.

Beside FILE stand FILE.SHA256SUMS, its signature, and FILE.manifest.json."""
_GIB = 1024  # MiB


def register(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(subparsers, "image", _run, "make a disk image, without an installer", _DESCRIPTION)
    parser.add_argument(
        "--base", required=True, metavar="ISO", help="path or address of an ISO with packages"
    )
    add_origin_options(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the image to write")
    parser.add_argument(
        "--repo-root", type=Path, required=True, metavar="DIR", help="the published repository"
    )
    parser.add_argument(
        "--series", metavar="KEY", help="the Asterisk series (default: the newest long-term one)"
    )
    smallest = load_disks()["minimum"] // _GIB
    parser.add_argument(
        "--size",
        type=int,
        default=smallest,
        metavar="GIB",
        help="the disk's size (default and least: %(default)s)",
    )
    add_content_options(parser)


def _run(args: argparse.Namespace, context: Context) -> int:
    order = _order(args)
    mounts.make_private()
    os.umask(0o022)  # the new system's files are for its own users, whatever this one's are for
    built = build_image(order, context.reporter)
    data = {"image": str(built.image), "sha256": built.sha256, "manifest": built.manifest}
    context.result(data, _text(built))
    return ExitCode.DONE


def _order(args: argparse.Namespace) -> Order:
    catalog = catalog_from(args)
    return Order(
        **ordered(args, catalog),
        series=_series(args.series, catalog),
        size=args.size * _GIB,
        repositories=parse_foreign(args.repo, args.repo_key),
    )


def _series(name: str, catalog: Catalog) -> Series:
    return catalog.find(name or default_of(catalog.offered(datetime.date.today())))


def _text(built: Built) -> str:
    found = built.manifest
    lines = [
        str(built.image),
        f"  sha256 {built.sha256}",
        f"  Asterisk {found['series']['key']} on {found['base']['family']} {found['base']['version']},"
        f" a disk of {found['disk']['size_mib'] // _GIB} GiB",
    ]
    return "\n".join(lines)
