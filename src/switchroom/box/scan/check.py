"""The scan as a whole, and which of its findings stop a switch."""

from __future__ import annotations

import datetime
import itertools
from typing import Iterable, Iterator, Optional, Sequence, Tuple

from switchroom.box.paths import Paths
from switchroom.box.scan import changes, codecs, freepbx, judge, loading, support
from switchroom.box.scan.box import Box
from switchroom.box.scan.losses import Losses
from switchroom.box.scan.model import Finding, Severity, Side, key
from switchroom.box.scan.relevance import Relevance
from switchroom.catalog.model import Catalog
from switchroom.catalog.removals import Removals, load_removals
from switchroom.core.errors import ExitCode, SwitchroomError

# It belongs to the user asterisk, whoever starts it: root gives it neither its rights nor its environment.
FWCONSOLE = (
    *("setpriv", "--reuid=asterisk", "--regid=asterisk", "--init-groups", "--no-new-privs", "--reset-env"),
    *("env", "--chdir=/", "LC_ALL=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"),
    "/usr/sbin/fwconsole",
)


def check(
    paths: Paths,
    catalog: Catalog,
    source: Side,
    target: Side,
    *,
    on: datetime.date,
    fwconsole: Sequence[str] = FWCONSOLE,
    removals: Optional[Removals] = None,
) -> Tuple[Finding, ...]:
    """Return what a switch from ``source`` to ``target`` on a day would meet, the gravest first.

    Reads the configuration below ``paths.root`` and asks ``fwconsole`` (its command line) where FreePBX is;
    changes nothing. ``removals`` are the shipped ones unless given.
    """
    losses = Losses(catalog, removals or load_removals(), source, target)
    crossed = changes.crossed(losses, catalog)
    box = Box(paths.root, Relevance(losses, [losses.removals.changes[name] for name in crossed]))
    found = [
        judge.lost(box, losses),
        loading.modules(box, losses),
        loading.files(box, losses),
        codecs.only_codecs(box, losses),
        changes.changed(box, losses.removals.changes, crossed),
        changes.notes(losses, catalog),
        support.support(catalog, source, target, on),
        support.uncertified(box, catalog, target),
        _cut(box),
        _unseen(box),
        _unjudged(losses),
    ]
    if freepbx.present(box):
        found.append(freepbx.gates(losses, catalog, fwconsole, on))
    return judge.merged(itertools.chain(*found))


def blocking(findings: Iterable[Finding], acknowledged: Iterable[str] = ()) -> Tuple[Finding, ...]:
    """Return the blocking findings whose keys are not acknowledged.

    Raises a usage error, which lists the keys, for an acknowledged key that no finding has.
    """
    every, known = tuple(findings), set(acknowledged)
    unmatched = sorted(known - {finding.key for finding in every})
    grave = tuple(finding for finding in every if finding.severity is Severity.BLOCKING)
    if unmatched:
        raise SwitchroomError(
            f"No finding has the key '{unmatched[0]}', so there is nothing to acknowledge.",
            cause="\n".join(finding.key for finding in grave) or "There is no blocking finding.",
            hint="The keys of the blocking findings are listed above.",
            code=ExitCode.USAGE,
        )
    return tuple(finding for finding in grave if finding.key not in known)


def _cut(box: Box) -> Iterator[Finding]:
    if box.cut:
        yield Finding("unread:all", Severity.WARNING, "unread", "all", f"Not all was looked at. {box.cut}")


def _unseen(box: Box) -> Iterator[Finding]:
    """Yield what the scan could not look at, so that silence is not taken for a promise."""
    for one in box.files.values():
        for item in one.inclusions:
            if item.kind == "exec":
                text = "What this '#exec' prints is not known: the scan does not run it."
                yield _unread(box, "exec", item.file, item.line, text)
        for oddity in one.oddities:
            if oddity.hides:
                yield _unread(box, "unread", oddity.file, oddity.line, oddity.text)
    for entry in box.file("extconfig.conf").entries():
        if entry.key.lower() == "extensions":
            text = "The dialplan in this database is not looked at."
            yield _unread(box, "realtime", entry.file, entry.line, text)


def _unjudged(losses: Losses) -> Iterator[Finding]:
    down = losses.to_major < losses.from_major
    if down and (losses.source.inventory is None or losses.target.inventory is None):
        text = "What later series added cannot be judged before the target's packages are there."
        yield Finding("not-judged:additions", Severity.WARNING, "not-judged", "additions", text)


def _unread(box: Box, what: str, file: str, line: int, text: str) -> Finding:
    name = key(what, text.rstrip("."), file)
    owner = box.owner(file)
    return Finding(name, Severity.INFO, what, file, text, file=file, lines=(line,), owner=owner)
