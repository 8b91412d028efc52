"""Whether a box came back as promised: each check gives full sentences about what is wrong."""

from __future__ import annotations

import fnmatch
import os
from collections import Counter
from dataclasses import dataclass
from typing import Callable, Iterator, Sequence

from campaign.dialtone import call_through
from campaign.scene import SIP_PORT, SPARE
from campaign.sight import ENGINES, Sight
from campaign.watch import TRANSACTION
from lab.boxes import Box
from switchroom.box import sip
from switchroom.core.errors import SwitchroomError

# What rpm, the tool and an interrupted rename leave behind: none of it may stay.
_LITTER = ("*;[0-9a-f]*", ".engine.*", ".previous.*", "engine.new", "*.rpmnew", "*.rpmsave")
_LITTER_FOLDERS = (ENGINES, "etc/switchroom", "etc/asterisk", "usr/sbin", "var/lib/asterisk")


_PATIENCE = 10.0  # seconds for one answer, which a busy machine may let wait


@dataclass(frozen=True)
class Engines:
    """The two engines of a switch (``22.10.1-1``); ``logs``: the new one's scriptlets leave lines behind."""

    old: str
    new: str
    logs: bool


def package_of(engine: str) -> str:
    """Return the name of an engine's package."""
    version, _, build = engine.rpartition("-")
    return f"asterisk{version}_{build}"


def judge(box: Box, sight: Sight, engines: Engines) -> Sequence[str]:
    """Return what is wrong with the settled box; empty when it is as it has to be."""
    return [problem for check in _CHECKS for problem in check(box, sight, engines)]


def _dial_tone(box: Box, _sight: Sight, _engines: Engines) -> Iterator[str]:
    if sip.options(box.address, SIP_PORT, timeout=_PATIENCE) is None:
        yield "OPTIONS are not answered."
    try:
        call_through(box)
    except SwitchroomError as error:
        yield f"No call gets through: {error.message} {error.cause}"


def _one_engine(_box: Box, sight: Sight, engines: Engines) -> Iterator[str]:
    if sight.selected not in (engines.old, engines.new):
        yield f"The selector leads to {sight.selected}."
    if list(sight.running) != [sight.selected]:
        yield f"{list(sight.running)} run, {sight.selected} is selected."


def _whole_or_absent(box: Box, sight: Sight, engines: Engines) -> Iterator[str]:
    owned = {name for name, _ in sight.packages}
    for engine in sight.prefixes:
        if package_of(engine) not in owned:
            yield f"The folder of '{engine}' is there, its package is not."
    if package_of(engines.old) not in owned:
        yield f"The old engine's package '{package_of(engines.old)}' is gone."
    changed = box.run("rpm", "-V", *sorted(owned), check=False).stdout.decode().splitlines()
    wrong = [line for line in changed if line[9:13].strip() != "c"]
    if wrong:
        yield f"rpm -V: {'; '.join(wrong[:5])} ({len(wrong)} lines)."
    twice = [name for name, count in Counter(name for name, _ in sight.packages).items() if count > 1]
    if twice:
        yield f"In rpm's database twice: {', '.join(twice)}."


def _scriptlets(_box: Box, sight: Sight, engines: Engines) -> Iterator[str]:
    ran = {tuple(line.split()[:2]) for line in sight.scriptlets}
    nevr = dict(sight.packages).get(package_of(engines.new))
    for scriptlet in ("post", "posttrans"):
        if engines.logs and nevr and (scriptlet, nevr) not in ran:
            yield f"The %{scriptlet} of '{nevr}' is lost."


def _litter(box: Box, _sight: Sight, _engines: Engines) -> Iterator[str]:
    found = [
        os.path.join(os.path.relpath(folder, box.root), name)
        for top in _LITTER_FOLDERS
        for folder, folders, files in os.walk(box.root / top)
        for name in [*folders, *files]
        if any(fnmatch.fnmatch(name, pattern) for pattern in _LITTER)
    ]
    if found:
        yield f"Left behind: {', '.join(found[:5])} ({len(found)} in all)."


def _dnf(box: Box, _sight: Sight, _engines: Engines) -> Iterator[str]:
    for words in (["check"], ["--assumeyes", "reinstall", SPARE]):
        done = box.run("dnf", "--quiet", *words, check=False, timeout=120)
        if done.returncode != 0:
            yield f"dnf {' '.join(words)}: {(done.stdout + done.stderr).decode(errors='replace')[-400:]}"


def _journal(box: Box, sight: Sight, _engines: Engines) -> Iterator[str]:
    if (box.root / TRANSACTION).exists():
        yield "The transaction is still open."
    if sight.journal_end is not None and sight.journal_end.get("kind") != "end":
        yield f"The journal ends with {sight.journal_end}."


_CHECKS: Sequence[Callable[[Box, Sight, Engines], Iterator[str]]] = (
    _dial_tone,
    _one_engine,
    _whole_or_absent,
    _scriptlets,
    _litter,
    _dnf,
    _journal,
)
