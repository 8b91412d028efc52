"""What is in a disk image, read without starting it: its files, and the bytes of its whole disk."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Set, Tuple

from lab.stub import RPM_HOME

_CHUNK = 8 << 20
_VOLUMES = "lv_name,seg_pe_ranges,vg_extent_size"


def raw(image: Path, folder: Path) -> Path:
    """Return the image's disk as a sparse file in ``folder``."""
    disk = folder / "disk.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", image, disk], check=True)
    return disk


@contextlib.contextmanager
def mounted(disk: Path, root: Path) -> Iterator[Path]:
    """Show the file systems of a raw disk below ``root``, read-only."""
    root.mkdir()
    try:
        for place, offset, size in _file_systems(disk):
            options = f"ro,norecovery,nouuid,loop,offset={offset},sizelimit={size}"
            subprocess.run(["mount", "-t", "xfs", "-o", options, disk, root / place], check=True)
        yield root
    finally:
        subprocess.run(["umount", "--recursive", root], check=True)


def _file_systems(disk: Path) -> List[Tuple[str, int, int]]:
    """Return where the system's XFS file systems are: place, offset and size in bytes."""
    table = _json("sfdisk", "--json", disk)["partitiontable"]
    parts = {row["name"]: (row["start"] * 512, row["size"] * 512) for row in table["partitions"]}
    start, size = parts["pv"]
    show = ["losetup", "--find", "--show", "--read-only", f"--offset={start}", f"--sizelimit={size}", disk]
    device = subprocess.run(show, check=True, capture_output=True, text=True).stdout.strip()
    try:
        alone = [
            "--driverloaded",
            "n",
            "--devices",
            device,
            "--reportformat",
            "json",
            "--units",
            "b",
            "--nosuffix",
        ]
        rows = _json("lvm", "lvs", *alone, "-o", f"{_VOLUMES},lv_size", "pbx")["report"][0]["lv"]
        first = int(_json("lvm", "pvs", *alone, "-o", "pe_start")["report"][0]["pv"][0]["pe_start"])
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
    volumes = {row["lv_name"]: _extent(row, start + first) for row in rows}
    return [("", *volumes["root"]), ("boot", *parts["boot"]), ("var", *volumes["var"])]


def _extent(row: Dict[str, str], start: int) -> Tuple[int, int]:
    number = int(row["seg_pe_ranges"].rpartition(":")[2].partition("-")[0])
    return start + number * int(row["vg_extent_size"]), int(row["lv_size"])


def _json(*words: str | Path) -> Any:
    return json.loads(subprocess.run(words, check=True, capture_output=True).stdout)


def mentions(disk: Path, needles: Sequence[str]) -> Dict[str, bytes]:
    """Return which words stand anywhere on a disk, deleted files included, and what is around the first."""
    found: Dict[str, bytes] = {}
    overlap = max(len(needle) for needle in needles) + 80
    with disk.open("rb") as stream:
        for offset, length in _data(stream.fileno()):
            for place in range(offset, offset + length, _CHUNK):
                block = os.pread(stream.fileno(), _CHUNK + overlap, place)
                for needle in (one for one in needles if one not in found):
                    at = block.find(needle.encode())
                    if at >= 0:
                        found[needle] = block[max(0, at - 80) : at + len(needle) + 80]
    return found


def _data(handle: int) -> Iterator[Tuple[int, int]]:
    """Yield the parts of a sparse file that hold something."""
    end, at = os.fstat(handle).st_size, 0
    while at < end:
        try:
            at = os.lseek(handle, at, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing more
            return
        hole = os.lseek(handle, at, os.SEEK_HOLE)
        yield at, hole - at
        at = hole


def unowned(root: Path, scratch: Path) -> Set[str]:
    """Return the files and folders that no package of the system has; a folder stands for all in it.

    rpm writes beside a database that it reads, so it reads a copy in ``scratch``.
    """
    shutil.copytree(root / "var/lib/rpm", scratch / "rpm")
    listed = ["rpm", f"--dbpath={scratch}/rpm", "--query", "--all", "--list"]
    words = subprocess.run(listed, check=True, capture_output=True, text=True, env={**os.environ, **RPM_HOME})
    owned = {_real(root, line) for line in words.stdout.splitlines() if line.startswith("/")}
    found = set()
    for folder, folders, files in os.walk(root):
        here = "/" + os.path.relpath(folder, root).removeprefix(".")
        names = {os.path.join(here, name) for name in (*folders, *files)} - owned
        found |= names
        folders[:] = [name for name in folders if os.path.join(here, name) not in names]
    return found


def _real(root: Path, path: str) -> str:
    """Return a path with the links of its folders followed: packages say /bin, the disk has /usr/bin."""
    folder = os.path.realpath(f"{root}{os.path.dirname(path)}")
    return f"{folder.removeprefix(str(root)) or ''}/{os.path.basename(path)}".replace("//", "/")
