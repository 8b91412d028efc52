"""The boxes of this machine: a folder each, numbers nobody else has, and the removal of those nobody owns."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ContextManager, Mapping, Optional, Tuple

from lab import cgroups, network
from lab.namespaces import Namespaces
from lab.owners import Process
from switchroom.core import lock
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import write_atomic

# One place a machine, whatever the cache: numbers, addresses and devices are the machine's.
BOXES = Path("/var/lib/switchroom-lab")
_RECORD = "box.json"
_DEAD = ".dead-"
_LOCK_SECONDS = 120.0


@dataclass(frozen=True)
class Record:
    """What a box is made of. ``layers`` are the folders below its disk, the lowest first."""

    name: str
    number: int
    layers: Tuple[str, ...]
    binds: Mapping[str, str]
    owner: Optional[Process]  # None: stays until somebody takes it down

    @property
    def folder(self) -> Path:
        """The box's own folder on the host."""
        return BOXES / f"{self.number}-{self.name}"


def register(
    name: str, layers: Tuple[Path, ...], binds: Mapping[Path, str], owner: Optional[Process]
) -> Record:
    """Make the folder of a new box under a free number, after sweeping up boxes whose owner is gone."""
    with _locked():
        _sweep()
        if owner is None and any(record.name == name and not record.owner for record in records()):
            raise SwitchroomError(
                f"There is a box '{name}' already.",
                hint=f"Use it, or remove it first with: scripts/lab down {name}",
                code=ExitCode.REFUSED,
            )
        where = {str(host.absolute()): box for host, box in binds.items()}
        record = Record(name, _free_number(), tuple(str(layer) for layer in layers), where, owner)
        write_atomic(record.folder / _RECORD, json.dumps(asdict(record)).encode())
    return record


def records() -> Tuple[Record, ...]:
    """Return the boxes of this machine, by number."""
    found = (_read(path) for path in BOXES.glob(f"[0-9]*/{_RECORD}"))
    return tuple(sorted((record for record in found if record), key=lambda record: record.number))


def find(name: str) -> Record:
    """Return the box of this name, or of this number-name; raises SwitchroomError when there is none."""
    matches = [record for record in records() if name in (record.name, record.folder.name)]
    if len(matches) == 1:
        return matches[0]
    known = ", ".join(record.folder.name for record in matches or records()) or "none"
    message = f"There is no box '{name}'." if not matches else f"More than one box is named '{name}'."
    raise SwitchroomError(message, cause=f"Boxes: {known}", hint="See: scripts/lab list", code=ExitCode.USAGE)


def sweep() -> None:
    """Remove every box whose owner is gone, entirely."""
    with _locked():
        _sweep()


def remove(record: Record) -> None:
    """Remove a box: its processes, mounts, devices, control group and folder."""
    _take_down(record)
    with _locked():
        _tidy()


def life(record: Record) -> Optional[Namespaces]:
    """Return the namespaces the box lives in, if they exist."""
    try:
        data = json.loads((record.folder / "life.json").read_text())
    except FileNotFoundError:
        return None
    namespaces = Namespaces(Process(**data["keeper"]), Process(**data["first"]))
    return namespaces if namespaces.alive else None


def note_life(record: Record, namespaces: Namespaces) -> None:
    """Remember the namespaces a box lives in."""
    data = {"keeper": asdict(namespaces.keeper), "first": asdict(namespaces.first)}
    write_atomic(record.folder / "life.json", json.dumps(data).encode())


def plug_in(record: Record, namespaces: Namespaces) -> None:
    """Connect the namespaces of a box to the lab's network."""
    with _locked():
        network.plug(record.number, namespaces)


def _take_down(record: Record) -> None:
    namespaces = life(record)
    if namespaces:
        namespaces.end()
    network.unplug(record.number)
    cgroups.remove(record.number)
    dead = BOXES / f"{_DEAD}{record.folder.name}"
    record.folder.rename(dead)  # the number is free only now
    shutil.rmtree(dead, ignore_errors=True)


def _sweep() -> None:
    for record in records():
        if record.owner and not record.owner.alive:
            _take_down(record)
    _tidy()


def _tidy() -> None:
    unknown = [path for path in BOXES.glob("[0-9]*-*") if not (path / _RECORD).is_file()]
    for dead in [*BOXES.glob(f"{_DEAD}*"), *unknown]:
        shutil.rmtree(dead, ignore_errors=True)
    if not records():
        network.remove_bridge()
        cgroups.remove_all()


def _read(path: Path) -> Optional[Record]:
    try:
        data: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None  # removed meanwhile
    owner = Process(**data["owner"]) if data["owner"] else None
    return Record(data["name"], data["number"], tuple(data["layers"]), data["binds"], owner)


def _free_number() -> int:
    taken = {int(path.name.partition("-")[0]) for path in BOXES.glob("[0-9]*-*")}
    free = next((number for number in network.NUMBERS if number not in taken), None)
    if free is None:
        raise SwitchroomError(
            f"All {len(network.NUMBERS)} addresses of the lab are in use.", hint="See: scripts/lab list"
        )
    return free


def _locked() -> ContextManager[None]:
    BOXES.mkdir(mode=0o700, parents=True, exist_ok=True)  # the disks hold the boxes' secrets
    return lock.exclusive(BOXES / ".lock", what="the lab's list of boxes", wait=_LOCK_SECONDS)
