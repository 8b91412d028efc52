"""What rpm says is installed, and what the package files at hand hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple

from switchroom.core import process
from switchroom.core.process import Arg

_NEVRA = "%{NAME}-%|EPOCH?{%{EPOCH}:}:{0:}|%{VERSION}-%{RELEASE}.%{ARCH}"
_FILE = "[%{FILENAMES}\\t%{FILESIZES}\\t%{FILEFLAGS:fflags}\\n]"
_C = {"LC_ALL": "C"}


@dataclass(frozen=True)
class Owned:
    """A file as a package has it; ``size`` in bytes."""

    path: str
    size: int
    flags: str


def nevras() -> Tuple[str, ...]:
    """Return every installed package as name-epoch:version-release.arch; keys are no packages."""
    lines = process.output(["rpm", "--query", "--all", "--queryformat", f"{_NEVRA}\\n"], env=_C).splitlines()
    return tuple(sorted(line for line in lines if not line.startswith("gpg-pubkey-")))


def nevra_of(package: Path) -> str:
    """Return the package that a file holds; raises SwitchroomError for what is no package."""
    argv: List[Arg] = ["rpm", "--query", "--queryformat", _NEVRA, "--package", package]
    return process.output(argv, what=f"Reading '{package}'", env=_C)


def files_of(packages: Sequence[Path]) -> Tuple[Owned, ...]:
    """Return every file of package files."""
    if not packages:
        return ()
    text = process.output(["rpm", "--query", "--queryformat", _FILE, "--package", *packages], env=_C)
    rows = (line.split("\t") for line in text.splitlines())
    return tuple(
        Owned(row[0], int(row[1]), row[2]) for row in rows if len(row) == len(("path", "size", "flags"))
    )
