"""A switch in words: what would happen, what speaks against it, what happened."""

from __future__ import annotations

import textwrap
from typing import Iterable, List, Optional, Sequence

from switchroom.box.health.report import Report
from switchroom.box.switch.outcome import End, Outcome
from switchroom.box.switch.preflight import BLOCKING, Finding
from switchroom.box.switch.survey import Survey, Wish
from switchroom.cli.catalog_text import table

_WIDTH = 79
_MIB = 1 << 20
_MINUTE = 60

_HEADLINES = {
    End.KEPT: "Done: Asterisk {target} answers.",
    End.ROLLED_BACK: "Rolled back: Asterisk {target} did not come up healthy; {running} answers again.",
    End.ABANDONED: "Given up before anything was stopped: Asterisk {running} goes on.",
    End.FAILED: "Failed before anything was stopped: Asterisk {running} goes on.",
    End.ATTENTION: "THIS BOX NEEDS ATTENTION: {state}.",
}


def dry_run(survey: Survey, wish: Wish) -> str:
    """Return everything that is known before a switch."""
    parts = [
        f"From Asterisk {survey.source.name} to {survey.target.engine.name}",
        _packages(survey),
        *_drain(survey, wish),
        f"Expected outage: {_outage(survey.outage)}",
        f"Health now: {health_line(survey.health)}",
    ]
    if survey.findings:
        parts += ["", "Findings:", findings(survey.findings, wish.acknowledged)]
    return "\n".join(parts)


def findings(found: Iterable[Finding], acknowledged: Sequence[str]) -> str:
    """Return findings as a list, the blocking ones first."""
    order = sorted(found, key=lambda finding: finding.severity != BLOCKING)
    return "\n".join(_finding(finding, finding.key in acknowledged) for finding in order)


def health_line(report: Report) -> str:
    """Return the state of health in one line."""
    if report.healthy:
        return f"healthy ({len(report.checks)} checks in {report.seconds:.1f} s)"
    return f"NOT healthy: {', '.join(check.name for check in report.failed)}"


def outcome(ended: Outcome) -> str:
    """Return the summary of a switch."""
    state = f"Asterisk {ended.running} answers" if ended.running else "no Asterisk answers"
    lines = [_HEADLINES[ended.outcome].format(target=ended.target, running=ended.running, state=state)]
    if ended.reason:
        lines += [f"  reason: {ended.reason}", *[f"  | {line}" for line in ended.cause.splitlines()]]
    lines += [f"  {ended.source} -> {ended.target} in {duration(ended.seconds)}", *_figures(ended)]
    lines += [f"  log: /var/lib/switchroom/history/{ended.id} and 'journalctl -u switchroom-resume'"]
    if ended.outcome is End.KEPT:
        lines += ["  back: asterisk-version-switch --rollback"]
    if ended.hint:
        lines += _wrapped(f"next: {ended.hint}", "  ")
    return "\n".join(lines)


def consequences(survey: Survey, wish: Wish) -> str:
    """Return what the question is about, in words."""
    what = "Calls in progress are cut at once"
    if not wish.now:
        what = f"Calls in progress may go on for up to {duration(wish.drain_timeout)}, then they are cut"
    return textwrap.fill(
        f"{what}. Asterisk is then stopped and {survey.target.engine.name} started; without dial tone within "
        f"{duration(wish.health_timeout)} the box goes back to {survey.source.name} by itself.",
        _WIDTH,
    )


def duration(seconds: float) -> str:
    """Return a time as a person says it."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def _finding(finding: Finding, acknowledged: bool) -> str:
    state = "acknowledged" if finding.waivable and acknowledged else finding.severity
    text = [*_wrapped(f"{state}: {finding.message}", "  - ")]
    if finding.hint:
        text += _wrapped(finding.hint, "    ")
    if finding.waivable and finding.severity == BLOCKING and not acknowledged:
        text += [f"    Go on all the same with: --acknowledge {finding.key}"]
    return "\n".join(text)


def _wrapped(text: str, lead: str) -> List[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=lead,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _packages(survey: Survey) -> str:
    if survey.resolution is None:
        return "Packages: not known, see the findings"
    if not survey.resolution.packages:
        return "Packages: all installed already"
    rows = [
        (f"  {one.action}", one.nevra, f"{one.download_bytes / _MIB:.1f} MiB", one.repository)
        for one in survey.resolution.packages
    ]
    return f"Packages:\n{table(rows)}"


def _drain(survey: Survey, wish: Wish) -> List[str]:
    calls = "not known" if survey.calls is None else str(survey.calls)
    if wish.now:
        return [f"Calls now: {calls}; they are cut (--now)"]
    how = "PJSIP maintenance mode: new calls get 503 while those in progress go on"
    if not survey.maintenance:
        how = "no maintenance mode in this version: new calls are refused only at the end"
    return [f"Calls now: {calls}; they may go on for {duration(wish.drain_timeout)}", f"  {how}"]


def _outage(seconds: Optional[float]) -> str:
    return "not known, none was measured on this box yet" if seconds is None else f"about {seconds:.1f} s"


def _figures(ended: Outcome) -> List[str]:
    figures = ended.figures
    about = "about " if figures.about else ""
    lines = []
    if figures.outage_ms is not None:
        lines += [f"  outage: {about}{figures.outage_ms} ms without an answer to SIP"]
    if figures.refused_ms is not None:
        lines += [f"  new calls were refused for {about}{duration(figures.refused_ms / 1000)}"]
    if figures.calls_ended is not None:
        lines += [f"  calls cut: {figures.calls_ended}"]
    if figures.forced:
        lines += ["  Asterisk had to be killed: it did not stop in time"]
    return lines
