"""The site's own checks: executables in health.d that say by their exit code whether the box is well.

They run as root, so only what root alone can change is run: each folder and each link on the way to it too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import List, Tuple

from switchroom.box.health.report import Verdict
from switchroom.core import process, trusted

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


def check(path: Path, timeout: float, owner: int = 0, base: Path = Path("/")) -> Verdict:
    """Run one check, or say why it is not run; ``owner`` is the user id that all of its path must belong to.

    ``base`` is the folder that the path is judged from. What is run is the path that was walked: it has no
    links, and nobody but ``owner`` can make it lead elsewhere.
    """
    try:
        real = trusted.walk(path, owner, base)
    except (trusted.Untrusted, OSError) as error:
        return _not_run("no such file" if isinstance(error, FileNotFoundError) else str(error))
    if not real.is_file():
        return _not_run("not a file")
    if not os.access(real, os.X_OK):
        return _not_run("not executable")
    argv: List[process.Arg] = ["env", "-i", *_ENVIRONMENT, real]
    result = process.run(argv, what=f"'{path}'", cwd=Path("/"), check=False, timeout=timeout)
    said = _first_line(result.stdout) or _first_line(result.stderr) or "(it printed nothing)"
    if result.returncode == 0:
        return Verdict(True, said)
    return Verdict(False, f"exit code {result.returncode}: {said}")


def _not_run(reason: str) -> Verdict:
    return Verdict(False, f"not run: {reason}", required=False)


def _first_line(text: bytes) -> str:
    lines = (line.strip() for line in text.decode(errors="replace").splitlines())
    return next((line for line in lines if line), "")[:_EVIDENCE_LENGTH]
