"""Puts a plan onto an image file: partition table, volume group, file systems; and mounts them.

Loop devices show parts of the file by offset. LVM only writes its metadata (``--driverloaded n``): nothing of
the image is ever known to this machine's device mapper, which may hold a volume group of the same name.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from switchroom.build.image.plan import Plan, Volume
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.process import Arg, output, run

TOOLS = ("sfdisk", "losetup", "lvm", "mkfs.xfs", "mkfs.vfat", "mkswap", "mount", "fallocate", "fstrim")

_MIB = 1 << 20
_NO_COPIES = "backup { backup = 0 archive = 0 }"  # of the metadata, in this machine's /etc/lvm
# GPT partition types: the UEFI and Discoverable Partitions specifications, and GRUB's manual for biosboot.
_TYPES = {
    "biosboot": "21686148-6449-6E6F-744E-656564454649",
    "efi": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
    "xfs": "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
    "lvm": "E6D6D379-F507-44C2-A23C-238F2A3DF928",
}


@dataclass(frozen=True)
class FileSystem:
    """A file system in the image, ``offset`` and ``size`` in bytes.

    ``source`` is what the new system's ``/etc/fstab`` calls it; ``uuid`` is of its own kind (FAT's has eight
    digits). ``mount`` is ``swap``, or None for a place without a file system.
    """

    name: str
    fstype: str
    mount: Optional[str]
    offset: int
    size: int
    uuid: str
    source: str


def divide(image: Path, plan: Plan) -> Tuple[FileSystem, ...]:
    """Make the sparse file ``image`` with partitions, volumes and empty file systems, and return these.

    Raises SwitchroomError where its own file system cannot take back room from within a file.
    """
    with image.open("xb") as stream:
        stream.truncate(plan.size * _MIB)
    _check_holes(image)
    rows = [
        f"start={one.start}MiB, size={one.size}MiB, type={_TYPES[one.fstype]}, name={one.name}"
        for one in plan.partitions
    ]
    script = "\n".join(["label: gpt", *rows, ""])
    run(["sfdisk", "--quiet", image], what="Partitioning the image", stdin=script.encode())
    found = (*_on_partitions(plan), *_in_group(image, plan))
    for one in found:
        _format(image, one)
    return found


@contextlib.contextmanager
def loop(image: Path, offset: int, size: int) -> Iterator[Path]:
    """Show a part of the image as a block device."""
    device = output(["losetup", "--find", "--show", f"--offset={offset}", f"--sizelimit={size}", image])
    try:
        yield Path(device)
    finally:
        run(["losetup", "--detach", device])


def mount(image: Path, systems: Sequence[FileSystem], root: Path) -> None:
    """Mount the image's file systems below ``root``, those of FAT left out: not every kernel has it.

    The loop devices end with the mounts, and these with the mount namespace.
    """
    for one in _mounted(systems):
        place = root / (one.mount or "").lstrip("/")
        place.mkdir(parents=True, exist_ok=True)
        options = f"loop,offset={one.offset},sizelimit={one.size}"
        run(["mount", "-t", one.fstype, "-o", options, image, place], what=f"Mounting '{one.mount}'")


def trim(systems: Sequence[FileSystem], root: Path) -> None:
    """Give back the room that removed files held, so that what was in them is not in the image."""
    for one in _mounted(systems):
        run(["fstrim", root / (one.mount or "").lstrip("/")], what="Giving back what removed files held")


def _mounted(systems: Sequence[FileSystem]) -> List[FileSystem]:
    mounted = [one for one in systems if one.fstype == "xfs" and one.mount]
    return sorted(mounted, key=lambda one: one.mount or "")


def fstab(systems: Sequence[FileSystem]) -> str:
    """Return the new system's ``/etc/fstab``, as Anaconda writes it."""
    kinds = {"efi": ("vfat", "umask=0077,shortname=winnt", 2)}
    rows = []
    for one in sorted((one for one in systems if one.mount), key=lambda one: one.mount or ""):
        kind, options, check = kinds.get(one.fstype, (one.fstype, "defaults", 0))
        place = "none" if one.fstype == "swap" else one.mount
        rows.append(f"{one.source} {place} {kind} {options} 0 {check}\n")
    return "".join(rows)


def _check_holes(image: Path) -> None:
    punch: List[Arg] = ["fallocate", "--punch-hole", "--length", str(_MIB), image]
    if run(punch, check=False).returncode != 0:
        raise SwitchroomError(
            f"The file system of '{image.parent.parent}' cannot make holes in files.",
            cause="What is removed from the image during its making would stay in it.",
            hint="Give --out on XFS, ext4, Btrfs or tmpfs.",
            code=ExitCode.REFUSED,
        )


def _on_partitions(plan: Plan) -> List[FileSystem]:
    found = []
    for one in plan.partitions[:-1]:
        name = _new_uuid(one.fstype)
        place, size = one.start * _MIB, one.size * _MIB
        found.append(FileSystem(one.name, one.fstype, one.mount, place, size, name, f"UUID={name}"))
    return found


def _in_group(image: Path, plan: Plan) -> List[FileSystem]:
    """Write the volume group's metadata and return where its volumes lie in the image."""
    home = plan.partitions[-1]
    with loop(image, home.start * _MIB, home.size * _MIB) as device:

        def lvm(command: str, *words: Arg) -> str:
            alone: List[Arg] = ["--driverloaded", "n", "--devices", device, "--config", _NO_COPIES]
            return output(["lvm", command, *alone, *words], what="Making the volume group")

        lvm("pvcreate", device)
        lvm("vgcreate", plan.group, device)
        for one in plan.volumes:
            made = ["--activate", "n", "--zero", "n", "--wipesignatures", "n", "--size", f"{one.size}m"]
            lvm("lvcreate", *made, "--name", one.name, plan.group)
        report = ["--reportformat", "json", "--units", "b", "--nosuffix"]
        columns = "lv_name,lv_size,seg_count,seg_start_pe,seg_pe_ranges,vg_extent_size"
        volumes = json.loads(lvm("lvs", *report, "-o", columns, plan.group))["report"][0]["lv"]
        start = json.loads(lvm("pvs", *report, "-o", "pe_start", device))["report"][0]["pv"][0]["pe_start"]
    rows = {row["lv_name"]: row for row in volumes}
    return [_volume(one, plan.group, rows[one.name], home.start * _MIB + int(start)) for one in plan.volumes]


def _volume(one: Volume, group: str, row: Dict[str, Any], start: int) -> FileSystem:
    """Return a volume as a place in the image, where the group's extents begin at ``start``."""
    first = int(row["seg_pe_ranges"].rpartition(":")[2].partition("-")[0])
    offset, size = start + first * int(row["vg_extent_size"]), int(row["lv_size"])
    device = f"/dev/mapper/{group}-{one.name}"
    return FileSystem(one.name, one.fstype, one.mount, offset, size, _new_uuid(one.fstype), device)


def _new_uuid(fstype: str) -> str:
    name = str(uuid.uuid4())
    return f"{name[:4]}-{name[4:8]}".upper() if fstype == "efi" else name


def _format(image: Path, one: FileSystem) -> None:
    makers: Dict[str, List[Arg]] = {
        "xfs": ["mkfs.xfs", "-q", "-m", f"uuid={one.uuid}"],
        "efi": ["mkfs.vfat", "-F", "32", "-n", "EFI", "-i", one.uuid.replace("-", "")],
        "swap": ["mkswap", "--uuid", one.uuid],
    }
    if one.fstype in makers:
        with loop(image, one.offset, one.size) as device:
            run([*makers[one.fstype], device], what=f"Making the file system '{one.name}'")
