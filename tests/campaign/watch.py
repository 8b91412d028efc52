"""A box's switch as the host sees it while it runs: its journal, its processes, its RPM transaction."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional, Sequence, TypeVar

from lab import cgroups
from lab.boxes import Box
from switchroom.core.errors import SwitchroomError

WORKER = "switchroom-resume.service"
CLIENT = "campaign-switch.service"
TRANSACTION = "var/lib/switchroom/transaction"
BEFORE = "before the journal"
PLAN = "/run/switchroom/plan.json"
_TICK = 0.001
_T = TypeVar("_T")


@dataclass(frozen=True)
class Record:
    """One record of the switch's journal."""

    kind: str
    step: str

    @property
    def place(self) -> str:
        """Return the record's name in tables, such as ``packages intent``."""
        return f"{self.step} {self.kind}".strip()


class Watch:
    """Looks at one box from outside, without a process of its own in it."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def records(self) -> Sequence[Record]:
        """Return the whole records of the open transaction's journal; none when there is no transaction."""
        try:
            text = (self._box.root / TRANSACTION / "journal").read_bytes()
        except OSError:
            return []
        return [_record(line) for line in text.split(b"\n")[:-1]]

    def place(self) -> str:
        """Return where the switch is: its last record, or BEFORE."""
        records = self.records()
        return records[-1].place if records else BEFORE

    def processes(self, unit: str = WORKER) -> Sequence[int]:
        """Return the processes of one of the box's units, as the host numbers them."""
        return _members(_services(self._box) / unit)

    def worker(self) -> Optional[int]:
        """Return the unit's main process, or None when it does not run."""
        found = self.processes()
        return next((pid for pid in found if _parent(pid) not in found), None)

    def rpm(self) -> Optional[int]:
        """Return the process of the switch that holds rpm's lock for writing: it is inside a transaction."""
        return next((pid for pid in self.processes() if _writes_rpm(pid)), None)

    def busy(self) -> bool:
        """Return whether a switch is being asked for, waits to be begun, or is under way."""
        return bool(
            self.processes(CLIENT)
            or self.processes()
            or (self._box.root / TRANSACTION).exists()
            or Path(f"/proc/{self._box.leader}/root{PLAN}").exists()
        )


def processes_of(box: Box) -> Sequence[int]:
    """Return all processes of a box, as the host numbers them."""
    payload = cgroups.group(box.record.number) / "payload"
    return [pid for folder, _, _ in os.walk(payload) for pid in _members(Path(folder))]


def bytes_written(pid: int) -> int:
    """Return how many bytes a process has written so far, 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/io").read_text().split()[3])
    except OSError:
        return 0


def until(look: Callable[[], Optional[_T]], seconds: float, what: str) -> _T:
    """Return what ``look`` finds, asked every millisecond; raises SwitchroomError when it never does."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise SwitchroomError(f"Waited {seconds:.0f} s in vain for {what}.")
        time.sleep(_TICK)
    return found


def _record(line: bytes) -> Record:
    data = json.loads(line.partition(b" ")[2])
    return Record(str(data["kind"]), str(data.get("step") or ""))


def _services(box: Box) -> Path:
    return cgroups.group(box.record.number) / "payload/system.slice"


def _members(group: Path) -> Sequence[int]:
    try:
        return [int(line) for line in (group / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _writes_rpm(pid: int) -> bool:
    """Look for rpm's own lock: it is taken for writing by real transactions only, tests do without."""
    with contextlib.suppress(OSError):
        for handle in os.listdir(f"/proc/{pid}/fd"):
            if not os.readlink(f"/proc/{pid}/fd/{handle}").endswith("/.rpm.lock"):
                continue
            if " WRITE " in Path(f"/proc/{pid}/fdinfo/{handle}").read_text():
                return True
    return False
