"""``switchroom repo``: the signed package repository and its channels."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Sequence

from switchroom.build import repo
from switchroom.build.repo.layout import CHANNELS
from switchroom.build.repo.publish import Published
from switchroom.cli import repo_channels, repo_keys
from switchroom.cli.context import Context, Subparsers, add_command, add_group
from switchroom.cli.repo_options import add_root, add_writing, listing, signing_key, writing_epoch
from switchroom.core.errors import ExitCode, SwitchroomError


def register(subparsers: Subparsers, _words: Sequence[str]) -> None:
    """Add the group and its commands."""
    commands = add_group(subparsers, "repo", "publish, promote and verify signed packages")
    _register_publish(commands)
    _register_promote(commands)
    repo_channels.register(commands)
    _register_verify(commands)
    repo_keys.register(commands)


def _register_publish(commands: Subparsers) -> None:
    parser = add_command(commands, "publish", publish, "sign packages and add them to the testing channel")
    add_root(parser)
    parser.add_argument("packages", nargs="+", type=Path, metavar="PACKAGE", help="RPM files, or folders")
    parser.add_argument("--channel", choices=CHANNELS, default=repo.TESTING, help="default: %(default)s")
    parser.add_argument("--url", help="where readers find the root (remembered; default: its file:// URL)")
    add_writing(parser)


def _register_promote(commands: Subparsers) -> None:
    parser = add_command(
        commands, "promote", promote, "let an exact set of testing into stable, through a gate"
    )
    add_root(parser)
    parser.add_argument("packages", nargs="*", metavar="NAME", help="package names or NEVRAs")
    parser.add_argument("--all", action="store_true", help="promote all that testing holds")
    parser.add_argument(
        "--base-repo",
        action="append",
        default=[],
        metavar="ID=PLACE",
        help="a repository of the base system (folder or URL) that requirements may be met by; repeatable",
    )
    parser.add_argument(
        "--force",
        metavar="REASON",
        help="pass over the gate's days and tests, never over signatures and closure; it is recorded",
    )
    add_writing(parser)


def _register_verify(commands: Subparsers) -> None:
    parser = add_command(commands, "verify", verify, "check every signature and checksum of a repository")
    add_root(parser)
    parser.add_argument("--channel", choices=CHANNELS, action="append", help="repeatable; default: all")
    parser.add_argument("--public-key", type=Path, metavar="FILE", help="the key to trust (default: its own)")


def publish(args: argparse.Namespace, context: Context) -> int:
    """Run ``repo publish``."""
    done = repo.publish(
        args.root,
        args.packages,
        key=signing_key(args),
        epoch=writing_epoch(args),
        reporter=context.reporter,
        channel=args.channel,
        el=args.el,
        url=args.url,
        until=args.valid_until,
        dry_run=args.dry_run,
    )
    return _show(done, context, "published to")


def promote(args: argparse.Namespace, context: Context) -> int:
    """Run ``repo promote``."""
    if bool(args.packages) == args.all:
        raise SwitchroomError(
            "Say what to promote.", hint="Give package names, or --all, not both.", code=ExitCode.USAGE
        )
    done = repo.promote(
        args.root,
        None if args.all else args.packages,
        key=signing_key(args),
        epoch=writing_epoch(args),
        reporter=context.reporter,
        el=args.el,
        base_repos=args.base_repo,
        force=args.force,
        until=args.valid_until,
        dry_run=args.dry_run,
    )
    return _show(done, context, "promoted to")


def verify(args: argparse.Namespace, context: Context) -> int:
    """Run ``repo verify``; exit code 4 when there are problems, as 1 says that it could not be told."""
    found = repo.verify(args.root, args.channel or CHANNELS, args.public_key)
    lines = [f"note: {remark}" for remark in found.remarks]
    lines += [f"problem: {problem}" for problem in found.problems]
    verdict = f"{len(found.problems)} problems" if found.problems else "all is well"
    lines.append(
        f"{found.packages} packages in {', '.join(found.generations) or 'no generation'}"
        f" ({len(found.superseded)} superseded), key {' and '.join(found.fingerprints)}: {verdict}"
    )
    context.result(found.as_dict(), "\n".join(lines))
    return int(ExitCode.ATTENTION if found.problems else ExitCode.DONE)


def _show(done: Published, context: Context, verb: str) -> int:
    would = "would be " if done.dry_run else ""
    lines = listing(f"{would}{verb} {done.channel}", done.added)
    lines += listing(f"already in {done.channel}", done.unchanged)
    lines += listing("passed over by force", done.passed_over)
    if done.left_to_base:
        count = len(done.left_to_base)
        lines.append(f"left to the base system: {count} requirements (--json lists, --base-repo checks them)")
    lines += [f"note: {remark}" for remark in done.remarks]
    lines.append(f"generation in force: {done.generation or 'none'}")
    context.result(done.as_dict(), "\n".join(lines))
    return int(ExitCode.DONE)
