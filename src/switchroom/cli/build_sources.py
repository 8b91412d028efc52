"""``switchroom build sources``: fill the lookaside folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import List

from switchroom.build.debian import fill
from switchroom.build.lookaside import Lookaside
from switchroom.build.release_signatures import release_keys
from switchroom.build.upstream import UPSTREAM
from switchroom.build.workspace import cache_dir
from switchroom.catalog import sounds
from switchroom.catalog.model import Catalog, Series
from switchroom.cli.catalog_options import add_catalog_options, add_day_option, catalog_from
from switchroom.cli.context import Context, Subparsers, add_command
from switchroom.core.errors import ExitCode

_DESCRIPTION = """Fetch the source files of the packages into the lookaside folder, verified.

Files already there are kept. By default the rest comes from upstream. With --from debian it is made from the
Asterisk source package of a Debian suite, which apt verifies, and what the suite offers is written to
catalog-overlay.yml in the folder, to be given to later commands with --overlay."""


def register(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(subparsers, "sources", _run, "fetch the source files of the packages", _DESCRIPTION)
    parser.add_argument("--from", dest="origin", choices=["upstream", "debian"], default="upstream")
    parser.add_argument("--suite", default="sid", help="the Debian suite (default: sid)")
    parser.add_argument("--refresh", action="store_true", help="ask the suite again for what is newest")
    add_lookaside_option(parser)
    add_series_option(parser)
    add_sounds_option(parser)
    add_day_option(parser)
    add_catalog_options(parser)


def add_upstream_key_option(parser: argparse.ArgumentParser) -> None:
    """Add --upstream-key."""
    parser.add_argument(
        "--upstream-key",
        type=Path,
        metavar="FILE",
        help="public keys, in ASCII armour, that upstream's releases must be signed by (default: those of the"
        " catalog, where a signature lies beside the release)",
    )


def add_lookaside_option(parser: argparse.ArgumentParser) -> None:
    """Add --lookaside, --upstream and --upstream-key."""
    add_upstream_key_option(parser)
    parser.add_argument(
        "--upstream",
        default=UPSTREAM,
        metavar="URL|DIR",
        help=f"where to fetch what upstream has in {UPSTREAM}: a mirror, or a copy of that folder",
    )
    parser.add_argument(
        "--lookaside",
        type=Path,
        metavar="DIR",
        help="the folder of source files (default: 'lookaside' in the build cache)",
    )


def add_series_option(parser: argparse.ArgumentParser) -> None:
    """Add the repeatable --series."""
    parser.add_argument(
        "--series",
        action="append",
        default=[],
        metavar="SERIES",
        help="an Asterisk series or exact version; may be given more than once (default: all supported)",
    )


def add_sounds_option(parser: argparse.ArgumentParser) -> None:
    """Add the repeatable --sounds."""
    parser.add_argument(
        "--sounds",
        action="append",
        default=[],
        metavar="PATTERN",
        help="more prompts or music, by name: 'core-sounds-fr-*'; may be given more than once (all there are:"
        " catalog sounds; always: English core prompts and music, GSM)",
    )


def open_lookaside(args: argparse.Namespace, context: Context, catalog: Catalog) -> Lookaside:
    """Return the folder that --lookaside names, made if absent, which takes what upstream's keys signed."""
    folder = args.lookaside.absolute() if args.lookaside else cache_dir("lookaside")
    folder.mkdir(parents=True, exist_ok=True)
    keys = release_keys(catalog, args.upstream_key, context.reporter)
    return Lookaside(folder, context.reporter, args.upstream, keys)


def chosen_series(args: argparse.Namespace, catalog: Catalog) -> List[Series]:
    """Return the series that --series names, else all that are supported on the day."""
    if not args.series:
        return list(catalog.offered(args.on))
    return list({series.key: series for series in map(catalog.find, args.series)}.values())


def _run(args: argparse.Namespace, context: Context) -> int:
    catalog = catalog_from(args)
    lookaside = open_lookaside(args, context, catalog)
    if args.origin == "debian":
        return _from_debian(args, context, lookaside, catalog)
    wanted = [source for series in chosen_series(args, catalog) for source in series.sources]
    wanted += [one.source for one in sounds.chosen(catalog.sounds, args.sounds)]
    sources = {source.place: source for source in wanted}
    paths = [lookaside.obtain(source) for source in sources.values()]
    text = "\n".join(str(path) for path in paths)
    context.result({"lookaside": lookaside.folder, "files": [path.name for path in paths]}, text)
    return ExitCode.DONE


def _from_debian(args: argparse.Namespace, context: Context, lookaside: Lookaside, catalog: Catalog) -> int:
    filled = fill.fill(lookaside, args.suite, catalog, args.refresh, context.reporter)
    fill.requested(args.series, filled, catalog)
    text = f"Asterisk {filled.version} (series {filled.series}) and sounds are in '{lookaside.folder}'."
    text += f"\nBuild with: --overlay '{lookaside.overlay}'"
    context.result({"lookaside": lookaside.folder, "overlay": lookaside.overlay, **filled.as_dict()}, text)
    return ExitCode.DONE
