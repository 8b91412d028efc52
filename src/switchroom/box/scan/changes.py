"""Options and behaviour that change between the two sides, where the configuration shows that it matters."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Dict, FrozenSet, Iterator, Mapping

from switchroom.box.conf import Configuration, Section
from switchroom.box.reading import rooted
from switchroom.box.scan import expression, judge
from switchroom.box.scan.box import Box
from switchroom.box.scan.losses import Losses
from switchroom.box.scan.model import Finding, Severity, Use, key
from switchroom.catalog.model import Catalog
from switchroom.catalog.removals import Change, Seen, has_change


def crossed(losses: Losses, catalog: Catalog) -> Dict[str, bool]:
    """Return the names of the changes that matter to this switch, and whether it goes back before them."""
    source, target = losses.source.base(catalog), losses.target.base(catalog)
    found: Dict[str, bool] = {}
    for name, change in losses.removals.changes.items():
        before, after = has_change(source, change.since), has_change(target, change.since)
        built = change.area == "build"  # nothing to those who install packages
        if before != after and not built and (after or change.both_ways):
            found[name] = before
    return found


def changed(box: Box, changes: Mapping[str, Change], names: Mapping[str, bool]) -> Iterator[Finding]:
    """Yield a finding for each change in ``names``: where it shows, or once if no file can show it."""
    for name, going_back in names.items():
        for use in _uses(box, changes[name]):
            finding = _finding(changes[name], use, going_back)
            yield judge.placed(box, use, finding) if use.file else finding


def notes(losses: Losses, catalog: Catalog) -> Iterator[Finding]:
    """Yield one finding that lists the titles of upstream's upgrade notes that the switch crosses."""
    source, target = losses.source.base(catalog), losses.target.base(catalog)
    titles = [
        note.title
        for note in losses.removals.upgrade_notes
        if has_change(target, note.versions) and not has_change(source, note.versions)
    ]
    if titles:
        count = f"Upstream wrote {len(titles)} upgrade notes between {source} and {target}"
        message = f"{count}: {'; '.join(title.rstrip('.') for title in titles)}."
        yield Finding("upgrade-notes:all", Severity.INFO, "upgrade-notes", "all", message)


def _finding(change: Change, use: Use, going_back: bool) -> Finding:
    replacement = change.replacement
    if replacement and change.replacement_unverified:
        replacement += " (our advice, unverified)"
    since = "/".join(change.since)
    began = f"Since Asterisk {since}" if not going_back else f"Undone by going back before Asterisk {since}"
    return Finding(
        key("change", change.name, use.file, use.where),
        Severity(change.severity),
        "change",
        change.name,
        f"{began}: {change.change}.",
        replacement="" if going_back else replacement,
        note=change.note,
    )


def _uses(box: Box, change: Change) -> Iterator[Use]:
    if not change.seen:
        yield Use("change", change.name, "", 0)
    for seen in change.seen:
        if seen.file:
            yield from _in_files(box, seen)
        elif seen.path:
            path = rooted(box.root, seen.path)
            yield from [Use("path", seen.path, seen.path, 0)] if _holds_something(path) else []
        else:
            yield from (use for use in box.uses if _called(box, seen, use))


def _holds_something(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except OSError:
        return False


def _called(box: Box, seen: Seen, use: Use) -> bool:
    pattern = getattr(seen, use.kind, "") if use.kind in _CALLED else ""
    if not pattern or not _is(pattern, use.name):
        return False
    if seen.unloaded and (box.autoload or box.loads(seen.unloaded)):
        return False
    if seen.assigned and not _is(seen.assigned, use.assigned or ""):
        return False
    return _argument(seen, use)


_CALLED = ("application", "function", "variable", "module")


def _argument(seen: Seen, use: Use) -> bool:
    if not seen.argument:
        return True
    given = use.arguments[seen.argument - 1 :]
    if seen.options:
        return bool(set(expression.option_letters(given[0] if given else "")) & set(seen.options))
    if seen.value:
        return bool(given) and _is(seen.value, given[0])
    return any(given)


def _in_files(box: Box, seen: Seen) -> Iterator[Use]:
    for name, configuration in box.top_level().items():
        if name == seen.file or (fnmatch(name, seen.file) and name != "extensions.conf"):
            yield from _absent(configuration, seen) if seen.absent else _present(configuration, seen)


def _absent(configuration: Configuration, seen: Seen) -> Iterator[Use]:
    sections = [section for section in configuration.sections if _is(seen.section, section.name)]
    set_there = any(_is(seen.key, entry.key) for section in sections for entry in section.entries)
    if any(section.entries for section in configuration.sections) and not set_there:
        yield Use("option", seen.key, configuration.path, sections[0].line if sections else 0, seen.section)


def _present(configuration: Configuration, seen: Seen) -> Iterator[Use]:
    for section in configuration.sections:
        if seen.section and not _is(seen.section, section.name):
            continue
        inherited = _inherited(configuration, section) if seen.inherited else frozenset()
        for entry in section.entries:
            wanted = _is(seen.key or ".*", entry.key) and _is(seen.value or ".*", entry.value)
            if wanted and (not seen.inherited or entry.key in inherited):
                where = "" if seen.inherited else section.name
                yield Use("option", entry.key, entry.file, entry.line, where)


def _inherited(configuration: Configuration, section: Section) -> FrozenSet[str]:
    """Return the keys that the templates of a section set."""
    parents = (parent for name in section.parents for parent in configuration.named(name))
    return frozenset(entry.key for parent in parents for entry in parent.entries)


def _is(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL) is not None
