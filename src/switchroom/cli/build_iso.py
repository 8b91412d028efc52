"""``switchroom build iso``: make an installer image, or verify one."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path
from typing import List, Tuple

from switchroom.build.iso.build import Built, Order, build_iso
from switchroom.build.iso.closure import Repositories
from switchroom.build.iso.extras import existing_file, parse_files
from switchroom.build.iso.foreign import parse_foreign
from switchroom.build.iso.verify import verify_iso
from switchroom.build.kickstart.packages import parse_addresses
from switchroom.catalog.model import Catalog, Series
from switchroom.cli.build_options import add_content_options, add_origin_options, ordered
from switchroom.cli.catalog_options import catalog_from
from switchroom.cli.context import Context, Subparsers, add_command
from switchroom.cli.repo_options import signing_key
from switchroom.core.errors import ExitCode, SwitchroomError

_DESCRIPTION = """Make an installer image from an installation ISO of EL9 or EL10 and a published repository.

Beside FILE stand FILE.SHA256SUMS, its signature, and FILE.manifest.json. With --verify FILE an image is
checked against them instead: signature, media checksum, content, boot menus."""


def register(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(subparsers, "iso", _run, "make or verify the installer image", _DESCRIPTION)
    parser.add_argument(
        "--base", metavar="ISO", help="path or address of an ISO of EL9 or EL10, or a stand-in: lab, lab10"
    )
    add_origin_options(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="the image to write")
    parser.add_argument("--repo-root", type=Path, metavar="DIR", help="the published package repository")
    parser.add_argument(
        "--series",
        action="append",
        default=[],
        metavar="KEY",
        help="an Asterisk series to offer; may be given more than once (default: all supported)",
    )
    parser.add_argument("--volume-id", metavar="ID", help="up to 32 characters (default: by release)")
    _add_content_arguments(parser)
    parser.add_argument("--verify", type=Path, metavar="FILE", help="check this image, build nothing")
    parser.add_argument(
        "--public-key", type=Path, metavar="FILE", help="with --verify: the key to trust (default: as --key)"
    )
    add_content_options(parser)


def _add_content_arguments(parser: argparse.ArgumentParser) -> None:
    again = {
        (
            "--network-repo",
            "ID=URL",
        ): "a repository (or its local copy) that the installation reaches over the"
        " network: packages are resolved against it and not copied; may be given again",
        ("--add-file", "SRC=PATH"): "put a file or folder on the medium; may be given again",
        ("--boot-arg", "ARG"): "add a kernel argument to each boot entry; may be given again",
        ("--remove-arg", "ARG"): "take one (NAME or NAME=VALUE) from each; may be given again",
    }
    for (option, metavar), text in again.items():
        parser.add_argument(option, action="append", default=[], metavar=metavar, help=text)
    parser.add_argument(
        "--install-source",
        default="",
        metavar="URL",
        help="with a boot ISO: the repository (BaseOS) that an installation takes the system from",
    )
    parser.add_argument("--updates-img", type=Path, metavar="FILE", help="an updates image for Anaconda")


def _run(args: argparse.Namespace, context: Context) -> int:
    if args.verify:
        return _verify(args, context)
    missing = [name for name in ("base", "out", "repo_root") if getattr(args, name) is None]
    if missing:
        raise SwitchroomError(
            f"Missing: {', '.join('--' + name.replace('_', '-') for name in missing)}.",
            hint="See: switchroom build iso --help",
            code=ExitCode.USAGE,
        )
    built = build_iso(_order(args), context.reporter)
    context.result(_as_dict(built), _text(built))
    return ExitCode.DONE


def _order(args: argparse.Namespace) -> Order:
    catalog = catalog_from(args)
    return Order(
        **ordered(args, catalog),
        series=_series(args.series, catalog),
        volume_id=args.volume_id,
        repositories=_repositories(args),
        added=parse_files(args.add_file),
        boot_add=args.boot_arg,
        boot_remove=args.remove_arg,
        updates=existing_file(args.updates_img) if args.updates_img else None,
    )


def _repositories(args: argparse.Namespace) -> Repositories:
    local = parse_foreign(args.repo, args.repo_key)
    network = parse_addresses("--network-repo", args.network_repo)
    twice = sorted(set(local) & set(network))
    if twice:
        raise SwitchroomError(
            f"Both --repo and --network-repo name a repository '{twice[0]}'.",
            hint="Give each an ID of its own.",
            code=ExitCode.USAGE,
        )
    return Repositories(local, network, args.install_source)


def _series(names: List[str], catalog: Catalog) -> Tuple[Series, ...]:
    if not names:
        return catalog.offered(datetime.date.today())
    return tuple({one.key: one for one in map(catalog.find, names)}.values())


def _as_dict(built: Built) -> object:
    return {"image": str(built.image), "sha256": built.sha256, "manifest": built.manifest}


def _text(built: Built) -> str:
    series = ", ".join(one["key"] for one in built.manifest["series"])
    network = (
        "no network needed" if built.manifest["installs_without_network"] else "installing needs a network"
    )
    if built.manifest["lab_stand_in"]:
        network = "LAB STAND-IN: boots, installs nothing"
    return f"{built.image}\n  sha256 {built.sha256}\n  Asterisk {series}; {network}"


def _verify(args: argparse.Namespace, context: Context) -> int:
    key = args.public_key.read_bytes() if args.public_key else signing_key(args).export_public()
    verified = verify_iso(args.verify, key, context.reporter)
    ok = not verified.problems
    lines = [f"note: {line}" for line in verified.remarks]
    lines += [f"problem: {line}" for line in verified.problems]
    lines += [
        f"'{args.verify}' is {'whole, signed and as its manifest says' if ok else 'NOT to be trusted'}."
    ]
    damage = [{"start": one.start, "end": one.end, "places": one.places} for one in verified.damage]
    data = {"image": str(args.verify), "ok": ok, "problems": verified.problems, "damage": damage}
    context.result({**data, "remarks": verified.remarks}, "\n".join(lines))
    return ExitCode.DONE if ok else ExitCode.ATTENTION
