"""``switchroom health``: whether this box has dial tone."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any, Optional, Sequence

from switchroom.box.health.baseline import Baseline
from switchroom.box.health.judge import capture, measure, wait
from switchroom.box.health.report import Check, Report
from switchroom.box.packages.freshness import problems
from switchroom.box.paths import Paths
from switchroom.box.settings import Settings, load_settings
from switchroom.cli.context import Context, Subparsers, add_command
from switchroom.core.errors import ExitCode, SwitchroomError, reading
from switchroom.core.files import write_atomic

_DAY = 86400
_DESCRIPTION = """\
Judge whether this box has dial tone: Asterisk runs and has booted, AMI and SIP answer, a local call is
answered, registrations, contacts and trunks are back, and the site's own checks in
/etc/switchroom/health.d/ are content.

Exit codes: 0 healthy, 1 not healthy, 3 it cannot be judged (no Asterisk, not root)."""


def register(subparsers: Subparsers, _words: Sequence[str]) -> None:
    """Add the command."""
    parser = add_command(subparsers, "health", run, "judge whether this box has dial tone", _DESCRIPTION)
    parser.add_argument(
        "--wait", type=_seconds, metavar="SECONDS", help="look again until healthy, this long at most"
    )
    parser.add_argument(
        "--baseline", type=Path, metavar="FILE", help="compare with what --save-baseline wrote"
    )
    parser.add_argument(
        "--save-baseline", type=Path, metavar="FILE", help="write what works now, if the box is healthy"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Judge the box and print the report."""
    paths = Paths()
    _refuse_if_unjudgeable(paths)
    settings = load_settings(paths)
    baseline = _read(args.baseline) if args.baseline else None
    report = _look(paths, settings, baseline, args.wait, context)
    if args.save_baseline and report.healthy:
        _save(args.save_baseline, capture(paths, settings))
    stale = problems(paths)  # no matter of dial tone, so no check of it
    text = "\n".join([table(report), *(f"Packages: {line}" for line in stale)])
    context.result({**report.as_dict(), "repositories": stale}, text)
    return int(ExitCode.DONE if report.healthy else ExitCode.FAILED)


def _look(
    paths: Paths, settings: Settings, baseline: Optional[Baseline], seconds: Optional[float], context: Context
) -> Report:
    if seconds is None:
        return measure(paths, settings, baseline)
    with context.reporter.step("Waiting for dial tone") as step:

        def tell(report: Report) -> None:
            step.note(f"missing: {', '.join(check.name for check in report.failed)}" if report.failed else "")

        return wait(paths, settings, baseline, None, seconds, tell=tell)


def table(report: Report) -> str:
    """Return the report for people: mark, check, seconds and evidence, then the verdict."""
    width = max(len(check.name) for check in report.checks)
    lines = [
        f"{_mark(check):<6}  {check.name:<{width}}  {check.seconds:6.2f} s  {check.evidence}"
        for check in report.checks
    ]
    failed = ", ".join(check.name for check in report.failed)
    verdict = f"Not healthy: {failed}." if failed else "Healthy: this box has dial tone."
    return "\n".join([*lines, "", f"{verdict} ({report.seconds:.2f} s)"])


def _mark(check: Check) -> str:
    if check.ok:
        return "ok"
    return "FAILED" if check.required else "-"


def _refuse_if_unjudgeable(paths: Paths) -> None:
    if os.geteuid() != 0:
        raise SwitchroomError(
            "Only root can judge the health of a box.",
            hint="Run it again with sudo.",
            code=ExitCode.REFUSED,
        )
    if not os.path.lexists(paths.from_box("/usr/sbin/asterisk")):
        raise SwitchroomError(
            "No Asterisk is installed on this box.",
            hint="Install one, for example with 'dnf install asterisk22'.",
            code=ExitCode.REFUSED,
        )


def _read(file: Path) -> Baseline:
    hint = "Write one with 'switchroom health --save-baseline FILE'."
    with reading(f"The baseline '{file}'", hint=hint, code=ExitCode.USAGE):
        data: Any = json.loads(file.read_bytes())
        return Baseline.from_dict(data)


def _save(file: Path, baseline: Baseline) -> None:
    write_atomic(file, (json.dumps(baseline.as_dict(), indent=2) + "\n").encode(), mode=0o600)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= _DAY:
        raise argparse.ArgumentTypeError(f"must be between 0 and {_DAY} seconds")
    return value
