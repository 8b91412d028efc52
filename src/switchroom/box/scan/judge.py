"""From what the configuration uses to findings: what the target lacks, and how much that matters."""

from __future__ import annotations

import dataclasses
from typing import Dict, Iterable, Iterator, List, Tuple

from switchroom.box.scan import commands
from switchroom.box.scan.box import Box
from switchroom.box.scan.losses import Loss, Losses
from switchroom.box.scan.model import Finding, Owner, Severity, Use, key

REGENERATED = "FreePBX writes this file anew: run 'fwconsole reload' after the switch."
_UNNAMED = "Nothing else in the configuration names this context; it may be unused, which cannot be known."
_GUESSED = "Found by searching the script's text."
_PATTERNS = {"command": False, "permission": True}
_TITLES = {
    "action": "AMI action",
    "command": "CLI command",
    "event": "AMI event",
    "permission": "CLI command",
    "technology": "channel technology",
    "utility": "program",
}


def lost(box: Box, losses: Losses) -> Iterator[Finding]:
    """Yield a finding for each use of a name that the target lacks."""
    own = box.odbc_functions()
    for use in box.uses:
        if use.kind in ("module", "variable") or (use.kind == "function" and use.name.lower() in own):
            continue
        for loss in _losses(use, losses):
            yield placed(box, use, _finding(use, loss, losses.target.version))


def placed(box: Box, use: Use, finding: Finding) -> Finding:
    """Return a finding at the place of a use in a dialplan, milder where FreePBX writes the file anew."""
    finding = at(box, use, finding)
    notes = [finding.note, _GUESSED if use.guessed else ""]
    if finding.owner is Owner.FREEPBX:
        milder = Severity.WARNING if finding.severity is Severity.BLOCKING else finding.severity
        return _noted(dataclasses.replace(finding, severity=milder), *notes, REGENERATED)
    if finding.severity is Severity.BLOCKING and _unnamed(box, use):
        notes.append(_UNNAMED)
    return _noted(finding, *notes)


def at(box: Box, use: Use, finding: Finding) -> Finding:
    """Return a finding at the place of a use."""
    return dataclasses.replace(finding, file=use.file, lines=(use.line,), owner=box.owner(use.file))


def _noted(finding: Finding, *notes: str) -> Finding:
    return dataclasses.replace(finding, note=" ".join(note for note in notes if note))


def merged(findings: Iterable[Finding]) -> Tuple[Finding, ...]:
    """Return the findings with one for each key, which lists all lines; the gravest first."""
    by_key: Dict[str, Finding] = {}
    for finding in findings:
        first = by_key.setdefault(finding.key, finding)
        lines = tuple(sorted({*first.lines, *finding.lines}))
        by_key[finding.key] = dataclasses.replace(first, lines=lines)
    order: List[Severity] = list(Severity)
    ranked = sorted(by_key.values(), key=lambda one: (order.index(one.severity), one.file, one.line, one.key))
    return tuple(ranked)


def _finding(use: Use, loss: Loss, version: str) -> Finding:
    name = use.name if use.kind == "technology" else loss.name
    title = _TITLES.get(use.kind, use.kind)
    return Finding(
        key("command" if use.kind == "permission" else use.kind, name, use.file, use.where),
        _severity(use),
        use.kind,
        name,
        f"Asterisk {version} does not have the {title} '{name}': {loss.reason}.",
        replacement=loss.replacement,
        note=loss.note,
    )


def _losses(use: Use, losses: Losses) -> Iterator[Loss]:
    if use.kind not in _PATTERNS:
        loss = losses.technology(use.name) if use.kind == "technology" else losses.find(use.kind, use.name)
        yield from [loss] if loss else []
        return
    for pattern in losses.removed("command"):
        loss = losses.find("command", pattern)
        if loss and commands.matches(pattern, use.name, prefix=_PATTERNS[use.kind]):
            yield loss


def _severity(use: Use) -> Severity:
    if use.dialplan and use.kind in ("application", "function", "technology", "utility"):
        return Severity.BLOCKING
    return Severity.WARNING


def _unnamed(box: Box, use: Use) -> bool:
    """Return whether a use is in a context that no other one, and no other file, names."""
    return use.where != "globals" and use.where in box.contexts and use.where not in box.named_contexts
