"""``switchroom build kickstart``: render one kickstart and check it."""

from __future__ import annotations

import argparse
from pathlib import Path

from switchroom.build.kickstart import site
from switchroom.build.kickstart.check import check
from switchroom.build.kickstart.credentials import password_hash_of, ssh_keys_of
from switchroom.build.kickstart.defaults import load_defaults, load_disks
from switchroom.build.kickstart.packages import check_packages, parse_addresses, request_of
from switchroom.build.kickstart.render import render
from switchroom.build.kickstart.settings import KickstartSettings, Mode, default_of, offers
from switchroom.catalog.model import Series
from switchroom.cli.catalog_options import add_catalog_options, add_day_option, catalog_from
from switchroom.cli.context import Context, Subparsers, add_command
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import write_atomic

_SUMMARY = "render a kickstart and check it with pykickstart, shellcheck and dnf"


def register(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(subparsers, "kickstart", _run, _SUMMARY)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write")
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.UNATTENDED.value)
    parser.add_argument(
        "--volume-id", required=True, metavar="ID", help="volume id of the medium it goes onto"
    )
    parser.add_argument("--el", type=int, default=9, metavar="N", help="Enterprise Linux major (default: 9)")
    _add_version_arguments(parser)
    add_login_arguments(parser)
    _add_system_arguments(parser)


def add_login_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the switches that name root's credentials, which are read from files only."""
    parser.add_argument(
        "--ssh-key", type=Path, action="append", default=[], metavar="FILE", help="root's public key(s)"
    )
    parser.add_argument(
        "--password-hash-file", type=Path, metavar="FILE", help="root's password as a $6$ or $y$ hash"
    )


def _add_version_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--series",
        action="append",
        metavar="KEY",
        help="an Asterisk series on the medium (default: all offered)",
    )
    parser.add_argument("--default", metavar="KEY", help="the series used when the boot line names none")
    add_catalog_options(parser)
    add_day_option(parser)


def _add_system_arguments(parser: argparse.ArgumentParser) -> None:
    system = load_defaults().system
    for name in ("timezone", "lang", "keyboard", "hostname"):
        parser.add_argument(f"--{name}", default=system[name], help=f"default: {system[name]}")
    layouts = sorted(load_disks()["layouts"])
    parser.add_argument("--layout", choices=layouts, default="single", help="of disks; default: %(default)s")
    parser.add_argument(
        "--site-vars", type=Path, metavar="FILE", help="variables of the roles for the first boot, in YAML"
    )
    parser.add_argument("--offline", action="store_true", help="take every package from the medium")
    parser.add_argument(
        "--package", action="append", default=[], metavar="NAME", help="install a package more"
    )
    parser.add_argument(
        "--repo",
        action="append",
        default=[],
        metavar="ID=URL",
        help="a repository, or a local one's path, that every package must be found in; may be given again",
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    if args.out.exists():
        raise SwitchroomError(
            f"The output '{args.out}' exists.",
            hint="Remove it, or write to another file.",
            code=ExitCode.REFUSED,
        )
    settings, repositories = _settings(args), parse_addresses("--repo", args.repo)
    text = render(settings)
    check(text, settings.el)
    if repositories:
        check_packages(request_of(settings), repositories)
    # A password hash may be in it: nobody else on the build host is to read it.
    write_atomic(args.out, text.encode(), mode=0o600)
    keys = [offer.key for offer in settings.versions]
    data = {"file": args.out, "mode": args.mode, "versions": keys, "default": settings.default_version}
    data["packages_checked"] = bool(repositories)
    against = ", ".join(f"'{name}'" for name in repositories)
    packages = f"every package is in {against}" if against else "packages NOT checked (see --repo)"
    summary = (
        f"{args.out}: {args.mode}, Asterisk {', '.join(keys)}; pykickstart and shellcheck pass; {packages}"
    )
    context.result(data, summary)
    return ExitCode.DONE


def _settings(args: argparse.Namespace) -> KickstartSettings:
    series = _series(args)
    return KickstartSettings(
        el=args.el,
        mode=Mode(args.mode),
        volume_id=args.volume_id,
        versions=offers(series),
        default_version=args.default or default_of(series),
        ssh_keys=[key for path in args.ssh_key for key in ssh_keys_of(path)],
        password_hash=password_hash_of(args.password_hash_file) if args.password_hash_file else "",
        timezone=args.timezone,
        lang=args.lang,
        keyboard=args.keyboard,
        hostname=args.hostname,
        offline=args.offline,
        packages=args.package,
        layout=args.layout,
        variables=site.variables_of(args.site_vars) if args.site_vars else {},
    )


def _series(args: argparse.Namespace) -> tuple[Series, ...]:
    catalog = catalog_from(args)
    if args.series:
        return tuple(catalog.find(key) for key in args.series)
    return catalog.offered(args.on)
