"""The site's own checks: executables in health.d that say by their exit code whether the box is well.

They run as root, so only what root alone can change is run.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import List, Tuple

from switchroom.box.health.report import Verdict
from switchroom.core import process

# What a check finds in its environment: nothing of the caller's.
_ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL=C.UTF-8",
    "HOME=/root",
)
_IGNORED = (".rpmsave", ".rpmnew", ".rpmorig", "~")
_EVIDENCE_LENGTH = 200


def found(folder: Path) -> Tuple[Path, ...]:
    """Return the files of the folder that are meant as checks, in the order of their names."""
    names = sorted(folder.iterdir()) if folder.is_dir() else []
    return tuple(path for path in names if not path.name.startswith(".") and not path.name.endswith(_IGNORED))


def check(path: Path, timeout: float, owner: int = 0) -> Verdict:
    """Run one check, or say why it is not run; ``owner`` is the user id that must own it."""
    reason = _unfit(path, owner)
    if reason:
        return Verdict(False, f"not run: {reason}", required=False)
    argv: List[process.Arg] = ["env", "-i", *_ENVIRONMENT, path]
    result = process.run(argv, what=f"'{path}'", cwd=Path("/"), check=False, timeout=timeout)
    said = _first_line(result.stdout) or _first_line(result.stderr) or "(it printed nothing)"
    if result.returncode == 0:
        return Verdict(True, said)
    return Verdict(False, f"exit code {result.returncode}: {said}")


def _unfit(path: Path, owner: int) -> str:
    """Return why a file must not be run as root, or an empty text."""
    real = path.resolve()
    if not real.is_file():
        return "no such file" if path.is_symlink() else "not a file"
    for place in {path.parent, real.parent, real}:
        about = place.stat()
        if about.st_uid != owner:
            return f"'{place}' is not owned by root"
        if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return f"'{place}' can be changed by others than root"
    return "" if os.access(real, os.X_OK) else "not executable"


def _first_line(text: bytes) -> str:
    lines = (line.strip() for line in text.decode(errors="replace").splitlines())
    return next((line for line in lines if line), "")[:_EVIDENCE_LENGTH]
