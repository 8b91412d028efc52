"""How a disk image is divided, from ``kickstart/disks.yml``: the volumes are those of an installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from switchroom.build.kickstart.defaults import disks_of, load_disks
from switchroom.core.errors import ExitCode, SwitchroomError

_MARGIN = 1  # MiB at both ends: alignment, and the backup of the partition table


@dataclass(frozen=True)
class Partition:
    """One partition; ``start`` and ``size`` are MiB. That of the volume group has the file system ``lvm``."""

    name: str
    fstype: str
    mount: Optional[str]
    start: int
    size: int


@dataclass(frozen=True)
class Volume:
    """One logical volume, ``size`` in MiB; ``mount`` is ``swap`` for swap space."""

    name: str
    fstype: str
    mount: str
    size: int


@dataclass(frozen=True)
class Plan:
    """A whole disk of ``size`` MiB: its partitions in order, the last for the volume group."""

    size: int
    partitions: Tuple[Partition, ...]
    group: str
    volumes: Tuple[Volume, ...]


def check_size(size: int) -> None:
    """Raise SwitchroomError (usage) when a disk of ``size`` MiB is too small."""
    minimum = load_disks()["minimum"]
    if size < minimum:
        raise SwitchroomError(
            f"A disk of {size} MiB cannot take the system.",
            hint=f"It takes at least {minimum} MiB.",
            code=ExitCode.USAGE,
        )


def plan(size: int, el: int) -> Plan:
    """Divide a disk of ``size`` MiB for an Enterprise Linux major; it is large enough (``check_size``)."""
    disks = disks_of(el)
    return Plan(size, _partitions(size, disks["boot"]), disks["volume_group"], _volumes(size, disks))


def _partitions(size: int, entries: List[Dict[str, Any]]) -> Tuple[Partition, ...]:
    found, start = [], _MARGIN
    for one in entries:
        found.append(Partition(one["name"], one["fstype"], one.get("mount"), start, one["size"]))
        start += one["size"]
    return (*found, Partition("pv", "lvm", None, start, size - start - _MARGIN))


def _volumes(size: int, disks: Dict[str, Any]) -> Tuple[Volume, ...]:
    """Return the volumes; the kickstart's ``logical_volumes`` computes the same in shell."""
    space = size - disks["beside"] - sum(one.get("size", 0) for one in disks["volumes"])
    left = space - space * disks["snapshot_percent"] // 100
    found = []
    for one in disks["volumes"]:
        volume = left
        if "size" in one:
            volume = one["size"]
        elif "percent" in one:
            volume = min(space * one["percent"] // 100, one["maximum"])
            left -= volume
        found.append(Volume(one["name"], one["fstype"], one["mount"], volume))
    return tuple(found)
