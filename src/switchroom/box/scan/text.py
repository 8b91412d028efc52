"""The findings as a person reads them."""

from __future__ import annotations

import textwrap
from typing import Dict, Iterable, List

from switchroom.box.scan.model import Finding, Owner, Severity
from switchroom.core import words

_WIDTH = 100
_SHOWN = 5  # lines of a file named for one finding
_HEADINGS = {
    Severity.BLOCKING: "Blocking: the switch stops here unless each is acknowledged by its key",
    Severity.WARNING: "Warnings",
    Severity.INFO: "Worth knowing",
}


def text(findings: Iterable[Finding]) -> str:
    """Return the findings under a heading for each severity; one sentence if there are none."""
    groups: Dict[Severity, List[Finding]] = {severity: [] for severity in Severity}
    for finding in findings:
        groups[finding.severity].append(finding)
    parts = [
        "\n".join([f"{_HEADINGS[severity]} ({len(group)})", *(_one(finding) for finding in group)])
        for severity, group in groups.items()
        if group
    ]
    return "\n\n".join(parts) or "Nothing in the configuration speaks against the switch."


def _one(finding: Finding) -> str:
    lines = [_place(finding)] if finding.file else []
    lines += [finding.message]
    lines += [f"Instead: {finding.replacement}"] if finding.replacement else []
    lines += [finding.note] if finding.note else []
    lines += [f"Key: {finding.key}"] if finding.severity is Severity.BLOCKING else []
    first, *rest = [_wrapped(words.line(line)) for line in lines]
    return "\n".join([f"  - {first}", *(f"    {line}" for line in rest)])


def _place(finding: Finding) -> str:
    shown = ", ".join(str(line) for line in finding.lines[:_SHOWN] if line)
    more = len(finding.lines) - _SHOWN
    place = f"{finding.file}:{shown}" if shown else finding.file
    place += f" and {more} more" if more > 0 else ""
    return place if finding.owner is Owner.SITE else f"{place} ({finding.owner.value})"


def _wrapped(line: str) -> str:
    if line.startswith("Key: "):
        return line
    return "\n    ".join(textwrap.wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False))
