"""``switchroom catalog update``: what upstream released since, told or written into the data files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Sequence

from switchroom.build.catalog_files import DataFiles
from switchroom.build.newer import Newer, find
from switchroom.build.release_signatures import release_keys
from switchroom.build.releases import Upstream
from switchroom.build.upstream import UPSTREAM
from switchroom.catalog.load import load_catalog
from switchroom.catalog.source import PACKAGED
from switchroom.cli import catalog as catalog_commands
from switchroom.cli.build_sources import add_upstream_key_option
from switchroom.cli.catalog_options import add_day_option
from switchroom.cli.context import Context, Subparsers, add_command
from switchroom.core.errors import ExitCode, SwitchroomError

_DESCRIPTION = """Look at upstream's releases and write what is newer into the catalog's data files.

Version, date, source, checksums, bundled libraries, module data and the titles of upstream's notes for
upgrades are written; whether a note matters to a box is for a person to judge. Nothing is published. With
--check nothing is written, and the exit code is 3 when a security fix has been missing for over --days."""


def register(subparsers: Subparsers, words: Sequence[str]) -> None:
    """Add the ``catalog`` commands of a box, and this one beside them."""
    group = catalog_commands.register(subparsers, words)
    parser = add_command(
        group, "update", _run, "write what upstream released since into the catalog", _DESCRIPTION
    )
    parser.add_argument(
        "--upstream",
        default=UPSTREAM,
        metavar="URL|DIR",
        help=f"upstream's folder, or a copy (default: {UPSTREAM})",
    )
    add_upstream_key_option(parser)
    parser.add_argument(
        "--data", type=Path, default=PACKAGED.parent, metavar="DIR", help="the folder of the data files"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit code 3 when boxes lag behind"
    )
    parser.add_argument(
        "--days",
        type=int,
        default=0,
        metavar="N",
        help="with --check: days a security fix may be missing (default: 0)",
    )
    add_day_option(parser)


def _run(args: argparse.Namespace, context: Context) -> int:
    if not (args.data / "catalog.yml").is_file():
        raise SwitchroomError(
            f"'{args.data}' holds no 'catalog.yml'.",
            hint="Give the folder of the catalog's data files, src/switchroom/catalog/data in a checkout.",
            code=ExitCode.USAGE,
        )
    upstream = Upstream(args.upstream, context.reporter)
    catalog = load_catalog(args.data / "catalog.yml")
    keys = release_keys(catalog, args.upstream_key, context.reporter)
    found = find(catalog, upstream, args.on)
    if found and not args.check:
        with context.reporter.step("Writing the catalog's data files"):
            DataFiles(args.data).write(found, upstream, args.on, keys)
        load_catalog(args.data / "catalog.yml")
    lag = max((newer.lag(args.on) for newer in found), default=0)
    data = {"upstream": upstream.root, "newer": [newer.as_dict(args.on) for newer in found], "lag_days": lag}
    context.result(data, _text(found, lag, written=not args.check))
    return ExitCode.REFUSED if args.check and lag > args.days else ExitCode.DONE


def _text(found: list[Newer], lag: int, *, written: bool) -> str:
    if not found:
        return "The catalog knows all that upstream has released."
    lines = [str(newer) for newer in found]
    notes = {title: version for newer in found for title, version in newer.notes.items()}
    lines += [f"to be judged, of {version}: {title}" for title, version in notes.items()]
    lines += [f"Boxes have lacked a security fix for {lag} days."] if lag else []
    lines += ["Written. Look at the difference, judge the notes, and run the tests."] if written else []
    return "\n".join(lines)
