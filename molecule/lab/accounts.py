"""Gives a root the users and groups of Enterprise Linux, and its files the new numbers of their owners."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Dict, List

_SET_ID = stat.S_ISUID | stat.S_ISGID
_SHADOW = "{name}:*:19700:0:99999:7:::\n"  # nobody logs in with a password
_GSHADOW = "{name}:::\n"


def adopt(root: Path, accounts: Path) -> None:
    """Make ``passwd`` and ``group`` of the folder ``accounts`` those of ``root``.

    A file keeps its owner by name; one whose owner is no more becomes root's, without set-id bits. What is
    mounted below ``root`` is left alone.
    """
    users = _changes(root / "etc/passwd", accounts / "passwd")
    groups = _changes(root / "etc/group", accounts / "group")
    for name in ("passwd", "group"):
        (root / "etc" / name).write_bytes((accounts / name).read_bytes())
    _write_shadow(root / "etc/shadow", _ids(accounts / "passwd"), _SHADOW)
    _write_shadow(root / "etc/gshadow", _ids(accounts / "group"), _GSHADOW)
    for name in ("passwd-", "group-", "shadow-", "gshadow-"):
        (root / "etc" / name).unlink(missing_ok=True)
    device = root.stat().st_dev
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if os.lstat(f"{folder}/{name}").st_dev == device]
        for name in (*folders, *files):
            _renumber(Path(folder, name), users, groups)


def _ids(path: Path) -> Dict[str, int]:
    """Return the number of each name, in the order of the file."""
    rows = (line.split(":") for line in path.read_text().splitlines())
    return {row[0]: int(row[2]) for row in rows}


def _changes(before: Path, after: Path) -> Dict[int, int]:
    new = _ids(after)
    wanted = {number: new.get(name, 0) for name, number in _ids(before).items()}
    return {old: number for old, number in wanted.items() if old != number}


def _write_shadow(path: Path, names: Dict[str, int], line: str) -> None:
    """Write a line for each name: the one that was there, or a new one; mode and owner stay."""
    kept = {row.partition(":")[0]: row + "\n" for row in path.read_text().splitlines()}
    lines: List[str] = [kept.get(name, line.format(name=name)) for name in names]
    path.write_text("".join(lines))


def _renumber(path: Path, users: Dict[int, int], groups: Dict[int, int]) -> None:
    found = path.lstat()
    owner, group = users.get(found.st_uid, found.st_uid), groups.get(found.st_gid, found.st_gid)
    if (owner, group) == (found.st_uid, found.st_gid):
        return
    os.chown(path, owner, group, follow_symlinks=False)  # takes the set-id bits away
    lost = (found.st_uid and not owner) or (found.st_gid and not group)
    if found.st_mode & _SET_ID and not lost and not stat.S_ISLNK(found.st_mode):
        path.chmod(stat.S_IMODE(found.st_mode))
