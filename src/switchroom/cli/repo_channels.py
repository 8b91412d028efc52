"""``switchroom repo record``, ``gate``, ``rollback`` and ``status``: how packages stand on their way."""

from __future__ import annotations

import argparse
from typing import List

from switchroom.build import repo
from switchroom.build.repo.gate import Standing, day, policy
from switchroom.build.repo.layout import CHANNELS, open_repo
from switchroom.build.repo.qa import check_suite
from switchroom.build.repo.status import ChannelState, Status
from switchroom.cli.catalog_options import add_catalog_options
from switchroom.cli.context import Context, Subparsers, add_command
from switchroom.cli.repo_options import (
    add_dry_run,
    add_key_options,
    add_major,
    add_root,
    add_until,
    add_writing,
    listing,
    signing_key,
    writing_epoch,
)
from switchroom.core.errors import ExitCode, SwitchroomError


def register(commands: Subparsers) -> None:
    """Add the commands."""
    _register_record(commands)
    _register_gate(commands)
    _register_rollback(commands)
    _register_renew(commands)
    parser = add_command(commands, "status", status, "show the channels, their difference, and the gate")
    add_root(parser)


def _register_record(commands: Subparsers) -> None:
    parser = add_command(commands, "record", record, "record that a test suite passed or failed on packages")
    add_root(parser)
    parser.add_argument("--suite", required=True, help="what was run, for example: lab")
    verdict = parser.add_mutually_exclusive_group(required=True)
    verdict.add_argument("--passed", action="store_true", help="it passed")
    verdict.add_argument("--failed", action="store_true", help="it failed: the gate shuts for these packages")
    parser.add_argument("packages", nargs="*", metavar="NAME", help="package names or NEVRAs (default: all)")
    parser.add_argument("--note", default="", metavar="TEXT", help="where the evidence is, for example a URL")
    add_major(parser)
    add_dry_run(parser)
    add_key_options(parser)


def _register_gate(commands: Subparsers) -> None:
    parser = add_command(commands, "gate", gate, "show or set what the gate asks of packages")
    add_root(parser)
    parser.add_argument("--days", type=float, metavar="N", help="days in testing before stable")
    parser.add_argument(
        "--require",
        action="append",
        metavar="SUITE",
        help="a test suite that must have passed (repeatable; these replace the ones before; '' for none)",
    )


def _register_rollback(commands: Subparsers) -> None:
    parser = add_command(
        commands, "rollback", rollback, "put an earlier set of a channel in force again, in one step"
    )
    add_root(parser)
    parser.add_argument("channel", choices=CHANNELS)
    parser.add_argument("--to", type=int, metavar="NUMBER", help="the generation (default: the one before)")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; it is recorded")
    add_writing(parser)


def _register_renew(commands: Subparsers) -> None:
    parser = add_command(
        commands, "renew", renew, "sign anew what is in force, before boxes stop taking its metadata"
    )
    add_root(parser)
    parser.add_argument("--all", action="store_true", help="channels that have time left, too")
    add_dry_run(parser)
    add_until(parser)
    add_catalog_options(parser)
    add_key_options(parser)


def record(args: argparse.Namespace, context: Context) -> int:
    """Run ``repo record``."""
    names = repo.record(
        args.root,
        args.suite,
        args.packages or None,
        passed=args.passed,
        key=signing_key(args),
        el=args.el,
        note=args.note,
        dry_run=args.dry_run,
    )
    would = "would be recorded" if args.dry_run else "recorded"
    verdict = "passed" if args.passed else "failed"
    text = listing(f"'{args.suite}' {verdict}, {would} for", names) or ["There is nothing in testing."]
    context.result({"suite": args.suite, "passed": args.passed, "packages": names}, "\n".join(text))
    return int(ExitCode.DONE)


def gate(args: argparse.Namespace, context: Context) -> int:
    """Run ``repo gate``."""
    open_repo(args.root, CHANNELS[0])
    suites = None if args.require is None else [suite for suite in args.require if suite]
    for suite in suites or ():
        check_suite(suite)
    if args.days is not None and not 0 <= args.days < float("inf"):
        raise SwitchroomError(f"'--days {args.days:g}' is no number of days.", code=ExitCode.USAGE)
    changes = args.days is not None or suites is not None
    known = repo.set_policy(args.root, args.days, suites) if changes else policy(args.root)
    tests = ", ".join(known.suites) or "none"
    context.result(known.as_dict(), f"days in testing: {known.days:g}\ntests that must have passed: {tests}")
    return int(ExitCode.DONE)


def rollback(args: argparse.Namespace, context: Context) -> int:
    """Run ``repo rollback``."""
    done = repo.rollback(
        args.root,
        args.channel,
        key=signing_key(args),
        epoch=writing_epoch(args),
        reporter=context.reporter,
        el=args.el,
        to=args.to,
        reason=args.reason,
        until=args.valid_until,
        dry_run=args.dry_run,
    )
    would = "would be " if done.dry_run else ""
    lines = listing(f"{would}removed from {done.channel}", done.removed)
    lines += listing(f"{would}back in {done.channel}", done.returned)
    lines.append(f"generation in force: {done.generation} ({would}as {done.restored})")
    context.result(done.as_dict(), "\n".join(lines))
    return int(ExitCode.DONE)


def renew(args: argparse.Namespace, context: Context) -> int:
    """Run ``repo renew``."""
    done = repo.renew(
        args.root,
        key=signing_key(args),
        epoch=writing_epoch(args),
        reporter=context.reporter,
        until=args.valid_until,
        everything=args.all,
        dry_run=args.dry_run,
    )
    would = "would be " if done.dry_run else ""
    lines = [f"{name} {would}renewed, good until {day}" for name, day in done.renewed.items()]
    lines += [f"{name} has time left, good until {day}" for name, day in done.unchanged.items()]
    context.result(done.as_dict(), "\n".join(lines) or "There is nothing in any channel.")
    return int(ExitCode.DONE)


def status(args: argparse.Namespace, context: Context) -> int:
    """Run ``repo status``."""
    found = repo.status(args.root)
    context.result(found.as_dict(), "\n".join(_status_lines(found)))
    return int(ExitCode.DONE)


def _status_lines(found: Status) -> List[str]:
    lines = [_channel_line(channel) for channel in found.channels]
    tests = ", ".join(found.policy.suites) or "none"
    lines.append(f"gate     {found.policy.days:g} days in testing; tests that must have passed: {tests}")
    lines += listing("in testing, not in stable", [_standing_line(each) for each in found.ahead])
    lines += listing("in stable, not in testing", found.behind)
    return lines + [f"note: {remark}" for remark in found.remarks]


def _channel_line(channel: ChannelState) -> str:
    name = f"{channel.name:<8} el{channel.el:<3}"
    if channel.since is None:
        return f"{name} nothing yet"
    kept = f"; kept: {', '.join(channel.earlier)}" if channel.earlier else ""
    debug = f" and {len(channel.debug)} for debuggers" if channel.debug else ""
    end = f", good until {channel.until}" if channel.until else ", good for no box: switchroom repo renew"
    held = f"{len(channel.packages)} packages{debug} since {day(channel.since)}{end}"
    return f"{name} generation {channel.generation}, {held}{kept}"


def _standing_line(standing: Standing) -> str:
    results = [
        f"{name} {'passed' if r.detail['passed'] else 'FAILED'}" for name, r in standing.results.items()
    ]
    facts = ", ".join([f"{standing.days:.1f} days", *results])
    return f"{standing.package.nevra}  ({facts}): {'; '.join(standing.obstacles) or 'may be promoted'}"
