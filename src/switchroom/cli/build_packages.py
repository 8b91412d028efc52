"""``switchroom build packages``: from the catalog to RPMs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import List

import yaml

from switchroom.build import host, packages, recipes, toolchain
from switchroom.build.digest import DigestMemo
from switchroom.build.keys import development_key
from switchroom.build.mock import DEFAULT_ROOT
from switchroom.build.packages import Builder, Outcome
from switchroom.build.plan import Plan, plan
from switchroom.build.recipe import Inputs
from switchroom.build.workspace import cache_dir, data_path, source_date_epoch
from switchroom.catalog import sounds
from switchroom.catalog.source import catalog_path, merge, read_documents
from switchroom.cli.build_documents import documents
from switchroom.cli.build_sources import (
    add_lookaside_option,
    add_series_option,
    add_sounds_option,
    chosen_series,
    open_lookaside,
)
from switchroom.cli.catalog_options import add_catalog_options, add_day_option, catalog_from
from switchroom.cli.context import Context, Subparsers, add_command
from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError

_DESCRIPTION = """Build the engines of the given series and the packages they share.

What was built before from the very same sources, spec, macros and tools is taken from the cache. Packages
made on a host that is not Enterprise Linux carry the dist tag .lab and are for the lab alone."""
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml's is five times as fast
_DEFAULT_URL = "https://packages.switchroom.invalid"


def register(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(subparsers, "packages", _run, "build the RPMs", _DESCRIPTION)
    add_series_option(parser)
    add_sounds_option(parser)
    add_lookaside_option(parser)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="put the RPMs there (default: in the build cache)"
    )
    parser.add_argument("--builder", choices=["rpmbuild", "mock"], default="rpmbuild")
    parser.add_argument("--mock-root", default=DEFAULT_ROOT, metavar="NAME", help=f"default: {DEFAULT_ROOT}")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="compile jobs at a time"
    )
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="the public key boxes will trust (default: the development key, which nobody should trust)",
    )
    parser.add_argument(
        "--repo-url", default=_DEFAULT_URL, metavar="URL", help="where the channels are published"
    )
    parser.add_argument(
        "--install-dependencies",
        action="store_true",
        help="install missing build dependencies first (as root)",
    )
    parser.add_argument(
        "--plan",
        action="store_true",
        help="say what the packages will hold and which source file must lie where, and build nothing",
    )
    add_day_option(parser)
    add_catalog_options(parser)


def _run(args: argparse.Namespace, context: Context) -> int:
    if not args.repo_url.startswith(("https://", "file://")):
        raise SwitchroomError(
            f"Boxes do not read mirror lists from '{args.repo_url}'.",
            hint="Give an address that begins with https:// with --repo-url.",
            code=ExitCode.USAGE,
        )
    process.require("rpmbuild", "rpmspec", "mock" if args.builder == "mock" else "rpmbuild")
    catalog = catalog_from(args)
    lookaside = open_lookaside(args, context, catalog)
    epoch, specs = source_date_epoch(catalog.epoch), data_path("rpmspecs")
    release = recipes.Release(catalog, _catalog_text(args), _public_key(args), args.repo_url)
    chosen, heard = chosen_series(args, catalog), sounds.chosen(catalog.sounds, args.sounds)
    if args.plan:
        return _plan(context, plan(specs, lookaside, catalog, chosen, heard))
    wanted = recipes.shared(specs, release, documents(epoch), epoch)
    wanted += [recipes.sounds(specs, one) for one in heard]
    wanted += [recipes.engine(specs, series, catalog.part_sources) for series in chosen]
    inputs = packages.read_all(wanted, lookaside)
    builder = _builder(args, context, specs, inputs, epoch)
    workshop = packages.Workshop(builder, epoch, context.reporter)
    for each in inputs:
        workshop.check(each)
    outcomes = [workshop.make(each) for each in inputs]
    return _report(context, outcomes, args.out.absolute() if args.out else cache_dir("packages"))


def _plan(context: Context, planned: Plan) -> int:
    context.result(planned.as_dict(), planned.text())
    return ExitCode.DONE if planned.complete else ExitCode.REFUSED


def _builder(
    args: argparse.Namespace, context: Context, specs: Path, inputs: List[Inputs], epoch: int
) -> Builder:
    if args.builder == "mock":
        return packages.mock_builder(args.mock_root, epoch, args.jobs)
    names = [name for each in inputs for name in each.build_requires]
    if args.install_dependencies:
        toolchain.install_dependencies(specs, names, context.reporter)
    toolchain.require_dependencies(specs, names)
    return packages.local_builder(specs, epoch, args.jobs)


def _catalog_text(args: argparse.Namespace) -> bytes:
    """Return the catalog that boxes get: the file as it is, or with the overlays merged into it."""
    if not args.overlay:
        return catalog_path(args.catalog).read_bytes()
    merged = merge(read_documents(args.catalog, args.overlay))
    text: str = yaml.dump(merged, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)
    return text.encode()


def _public_key(args: argparse.Namespace) -> bytes:
    if not args.key_file and (args.builder == "mock" or host.is_el()):
        raise SwitchroomError(
            "Packages for Enterprise Linux do not carry the development key to boxes.",
            hint="Name the public part of the release key with --key-file FILE.",
            code=ExitCode.USAGE,
        )
    data: bytes = args.key_file.read_bytes() if args.key_file else development_key().export_public()
    if b"BEGIN PGP PUBLIC KEY BLOCK" not in data or b"PRIVATE KEY" in data:
        raise SwitchroomError(
            f"'{args.key_file}' is not a public key in ASCII armour.",
            hint="Export it with: gpg --armor --export FINGERPRINT",
            code=ExitCode.USAGE,
        )
    return data


def _report(context: Context, outcomes: List[Outcome], out: Path) -> int:
    placed = packages.place(outcomes, out, DigestMemo())
    built = sum(not outcome.cached for outcome in outcomes)
    text = f"{len(placed)} packages are in '{out}': {built} built, {len(outcomes) - built} specs unchanged."
    data = {
        "out": out,
        "packages": [path.name for path in placed],
        "specs": [{"name": each.name, "key": each.key, "cached": each.cached} for each in outcomes],
    }
    context.result(data, text)
    return ExitCode.DONE
