"""What the rpm database says of packages."""

from __future__ import annotations

import re
from typing import Sequence, Tuple

from switchroom.box.engines import Engine
from switchroom.core import process

# A file of these kinds may differ: configuration, and what a package only claims (ghosts).
_FREE_TO_CHANGE = re.compile(r"(?:[.?A-Za-z0-9]{8,9}|missing) +[cg] ")
_NOT_INSTALLED = re.compile(r"package .* is not installed")
_DEBUGGING = ("debuginfo", "debugsource")


def verify(names: Sequence[str]) -> Tuple[str, ...]:
    """Return rpm's lines on what of the named packages is missing or changed; none means that all are whole.

    A package that is not installed counts. Changed configuration files do not.
    """
    if not names:
        return ()
    result = process.run(["rpm", "--verify", *names], what="rpm --verify", env={"LC_ALL": "C"}, check=False)
    lines = (result.stdout + result.stderr).decode(errors="replace").splitlines()
    return tuple(line for line in lines if line.strip() and not _FREE_TO_CHANGE.match(line))


def damaged(names: Sequence[str]) -> Tuple[str, ...]:
    """Return those of the packages that are installed, but not whole."""
    return tuple(name for name in names if _is_damaged(verify([name])))


def _is_damaged(lines: Sequence[str]) -> bool:
    return bool(lines) and not any(_NOT_INSTALLED.fullmatch(line) for line in lines)


def extras_of(engine: Engine) -> Tuple[str, ...]:
    """Return an engine's installed module packages: ``odbc`` stands for ``asterisk22.10.1_1-odbc``."""
    head = f"{engine.package}-"
    found = query(["--all", f"{head}*"], "%{NAME}")
    return tuple(sorted(name[len(head) :] for name in found if not name.endswith(_DEBUGGING)))


def series_of(engine: Engine) -> str:
    """Return the series an installed engine belongs to, or the empty text if it is not installed by rpm."""
    found = query([engine.package], "[%{PROVIDES}\\n]")
    series = (re.fullmatch(r"switchroom-engine\((.+)\)", line) for line in found)
    return next((match[1] for match in series if match), "")


def query(words: Sequence[str], form: str) -> Tuple[str, ...]:
    """Return the lines that ``rpm --query`` gives in a query format; none where nothing is installed."""
    argv = ["rpm", "--query", "--queryformat", form + "\\n", *words]
    result = process.run(argv, what="rpm --query", env={"LC_ALL": "C"}, check=False)
    lines = result.stdout.decode(errors="replace").splitlines() if result.returncode == 0 else []
    return tuple(line for line in lines if line)
