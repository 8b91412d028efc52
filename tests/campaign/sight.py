"""What can be seen of a box that has settled, gathered once, without trusting the tool on it."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping, Optional, Sequence

from campaign.watch import processes_of
from lab.boxes import Box

ENGINES = "usr/lib64/switchroom/engines"
SELECTOR = "etc/switchroom/engine"
HISTORY = "var/lib/switchroom/history"
SCRIPTLETS = "var/log/lab-scriptlets"
_QUERY = r"%{NAME} %{NAME}-%{VERSION}-%{RELEASE}\n"


@dataclass(frozen=True)
class Sight:
    """A box as it stands: engines by the last part of their prefix, packages as (name, NEVR)."""

    selected: Optional[str]
    running: Sequence[str]
    prefixes: Sequence[str]
    packages: Sequence[tuple[str, str]]
    scriptlets: Sequence[str]
    journal_end: Optional[Mapping[str, Any]]
    status: Mapping[str, Any]


def look(box: Box) -> Sight:
    """Look at a box from the host; only ``status`` is what the tool itself says."""
    return Sight(
        selected=_selected(box),
        running=tuple(_running(box)),
        prefixes=tuple(sorted(os.listdir(box.root / ENGINES))),
        packages=tuple(_packages(box)),
        scriptlets=tuple(_lines(box.root / SCRIPTLETS)),
        journal_end=_journal_end(box.root / HISTORY),
        status=_status(box),
    )


def _selected(box: Box) -> Optional[str]:
    with contextlib.suppress(OSError):
        prefix = Path(os.readlink(box.root / SELECTOR))
        if os.access(box.root / str(prefix / "sbin/asterisk").lstrip("/"), os.X_OK):
            return prefix.name
    return None


def _running(box: Box) -> Iterator[str]:
    """Give the engine of each Asterisk process on the box, by the file the kernel runs."""
    for pid in processes_of(box):
        with contextlib.suppress(OSError):
            program = Path(os.readlink(f"/proc/{pid}/exe"))
            if program.name.startswith("asterisk"):
                yield program.parent.parent.name + program.name[len("asterisk") :]


def _packages(box: Box) -> Iterator[tuple[str, str]]:
    for line in box.output("rpm", "-qa", "--queryformat", _QUERY, "asterisk*", "switchroom*").splitlines():
        name, _, nevr = line.partition(" ")
        yield name, nevr


def _lines(path: Path) -> Sequence[str]:
    return path.read_text().splitlines() if path.exists() else []


def _journal_end(history: Path) -> Optional[Mapping[str, Any]]:
    """Return the last record of the newest transaction that ended, or None if none ever began."""
    folders = sorted(history.iterdir()) if history.is_dir() else []
    if not folders:
        return None
    last = (folders[-1] / "journal").read_bytes().splitlines()[-1]
    record: Mapping[str, Any] = json.loads(last.partition(b" ")[2])
    return record


def _status(box: Box) -> Mapping[str, Any]:
    printed = box.run("switchroom", "status", "--json", check=False).stdout
    try:
        answer: Mapping[str, Any] = json.loads(printed)
    except ValueError:
        return {"unreadable": printed.decode(errors="replace")}
    return answer
