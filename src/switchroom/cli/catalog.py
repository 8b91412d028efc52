"""The ``catalog`` commands: list, show, sounds, check and fit."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Dict, Sequence

from switchroom.catalog.advice import advice, end_of_life_warnings
from switchroom.catalog.convert import to_plain
from switchroom.catalog.fit import Combination, check_fit
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Catalog, Series, Status
from switchroom.catalog.source import catalog_path
from switchroom.catalog.versions import parts
from switchroom.cli import catalog_text
from switchroom.cli.catalog_options import add_catalog_options, add_day_option, catalog_from
from switchroom.cli.catalog_text import sounds_table
from switchroom.cli.context import Context, Subparsers, add_command, add_group
from switchroom.core.errors import ExitCode, SwitchroomError


def register(subparsers: Subparsers, _words: Sequence[str]) -> Subparsers:
    """Add the ``catalog`` commands and return their group."""
    group = add_group(subparsers, "catalog", "look up which releases exist, fit together and are supported")
    _add_list(group)
    _add_show(group)
    _add_sounds(group)
    _add_check(group)
    _add_fit(group)
    return group


def _add_list(group: Subparsers) -> None:
    parser = add_command(group, "list", _list, "list the Asterisk series and what an installer offers")
    parser.add_argument("--all", action="store_true", help="list series past their end of life too")
    _add_options(parser)


def _add_show(group: Subparsers) -> None:
    parser = add_command(group, "show", _show, "show all facts about one release, with their sources")
    parser.add_argument(
        "name",
        metavar="NAME",
        help="a series (22, certified-22.8), an exact version (22.10.1), freepbx-17 or el-9",
    )
    _add_options(parser)


def _add_sounds(group: Subparsers) -> None:
    text = "list upstream's prompts and music on hold: kinds, languages, formats, packages"
    add_catalog_options(add_command(group, "sounds", _sounds, text))


def _add_check(group: Subparsers) -> None:
    parser = add_command(group, "check", _check, "validate a catalog and say what in it deserves attention")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the same as --catalog FILE")
    _add_options(parser)


def _add_fit(group: Subparsers) -> None:
    parser = add_command(group, "fit", _fit, "say whether releases fit together; exit code 3 if they do not")
    parser.add_argument("--freepbx", metavar="MAJOR", help="for example 17")
    parser.add_argument("--asterisk", metavar="NAME", help="a series or an exact version")
    parser.add_argument("--php", type=_version, metavar="VERSION", help="for example 8.2")
    parser.add_argument("--node", type=_version, metavar="VERSION", help="for example 20")
    parser.add_argument("--el", metavar="MAJOR", help="for example 9")
    parser.add_argument("--framework", type=_version, metavar="VERSION", help="of FreePBX's framework module")
    _add_options(parser)


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_catalog_options(parser)
    add_day_option(parser)


def _version(text: str) -> str:
    try:
        parts(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a version like 8.2") from error
    return text


def _list(args: argparse.Namespace, context: Context) -> int:
    catalog = catalog_from(args)
    everything = list(catalog.series.values())
    ended = [series for series in everything if series.status(args.on) is Status.END_OF_LIFE]
    chosen = [series for series in everything if args.all or series not in ended]
    text = catalog_text.series_table(chosen, args.on)
    warnings = end_of_life_warnings(chosen, args.on)
    text += "".join(f"\nwarning: {warning}" for warning in warnings)
    if ended and not args.all:
        text += f"\n\n{len(ended)} more past their end of life; --all lists them."
    data = [_series_data(series, args) for series in chosen]
    context.result({"on": args.on.isoformat(), "series": data, "warnings": list(warnings)}, text)
    return ExitCode.DONE


def _series_data(series: Series, args: argparse.Namespace) -> Dict[str, Any]:
    computed = {
        "status": series.status(args.on).value,
        "offered": series.status(args.on).supported,
        "engine": series.engine,
        "meta": series.meta,
        "label": series.label,
    }
    return {**to_plain(series), **computed}


def _show(args: argparse.Namespace, context: Context) -> int:
    catalog = catalog_from(args)
    kind, _, major = args.name.partition("-")
    if kind == "freepbx" and major in catalog.freepbx:
        freepbx = catalog.freepbx[major]
        context.result(to_plain(freepbx), catalog_text.freepbx_sheet(catalog, freepbx))
    elif kind == "el" and major in catalog.el:
        release = catalog.el[major]
        context.result(to_plain(release), catalog_text.el_sheet(catalog, release, args.on))
    else:
        series = catalog.find(args.name)
        context.result(_series_data(series, args), catalog_text.series_sheet(catalog, series, args.on))
    return ExitCode.DONE


def _sounds(args: argparse.Namespace, context: Context) -> int:
    sets = catalog_from(args).sounds.values()
    context.result(
        {"sounds": [{**to_plain(one), "package": one.package} for one in sets]}, sounds_table(sets)
    )
    return ExitCode.DONE


def _check(args: argparse.Namespace, context: Context) -> int:
    if args.file and args.catalog:
        raise SwitchroomError(
            f"Both '{args.file}' and --catalog '{args.catalog}' name the catalog to check.",
            hint="Give one of them.",
            code=ExitCode.USAGE,
        )
    path = catalog_path(args.file or args.catalog)
    catalog = load_catalog(path, args.overlay)
    remarks = advice(catalog, args.on)
    lines = [f"advice: {remark.text}" for remark in remarks]
    lines += [f"'{path}' is valid: {_counts(catalog)}; {len(remarks)} remarks."]
    data = {"catalog": str(path), "valid": True, "on": args.on.isoformat(), "advice": to_plain(remarks)}
    context.result(data, "\n".join(lines))
    return ExitCode.DONE


def _counts(catalog: Catalog) -> str:
    series, freepbx, releases = len(catalog.series), len(catalog.freepbx), len(catalog.el)
    return f"{series} Asterisk series, {freepbx} FreePBX majors, {releases} EL majors"


def _fit(args: argparse.Namespace, context: Context) -> int:
    wanted = Combination(args.freepbx, args.asterisk, args.php, args.node, args.el, args.framework)
    named = [args.freepbx, args.asterisk, args.php, args.node, args.el]
    if sum(name is not None for name in named) <= 1:
        raise SwitchroomError(
            "A fit needs at least two of FreePBX, Asterisk, PHP, Node.js and EL.",
            hint="For example: switchroom catalog fit --freepbx 17 --asterisk 22 --el 9",
            code=ExitCode.USAGE,
        )
    fit = check_fit(catalog_from(args), wanted, args.on)
    lines = [f"refused: {reason}" for reason in fit.refusals]
    lines += [f"warning: {reason}" for reason in fit.warnings]
    lines += ["They fit." if fit.fits else "They do not fit."]
    context.result({"fits": fit.fits, **to_plain(fit)}, "\n".join(lines))
    return ExitCode.DONE if fit.fits else ExitCode.REFUSED
