"""The options that choose the catalog, shared by every command that reads it."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Catalog


def add_catalog_options(parser: argparse.ArgumentParser) -> None:
    """Add --catalog and the repeatable --overlay."""
    parser.add_argument(
        "--catalog",
        type=Path,
        metavar="FILE",
        help="the catalog (else $SWITCHROOM_CATALOG, /usr/share/switchroom/catalog.yml, the packaged one)",
    )
    parser.add_argument(
        "--overlay",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="merge this file over the catalog; may be given more than once",
    )


def add_day_option(parser: argparse.ArgumentParser) -> None:
    """Add --on, the day for which statuses are computed; a date in ``args.on``, by default today."""
    parser.add_argument(
        "--on",
        type=_day,
        default=datetime.date.today(),
        metavar="DATE",
        help="judge as of this day, YYYY-MM-DD (default: today)",
    )


def catalog_from(args: argparse.Namespace) -> Catalog:
    """Return the catalog that the options name; raises a usage error if its data is bad."""
    return load_catalog(args.catalog, args.overlay)


def _day(text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a date like 2026-11-22") from error
