"""The shared libraries that a source's programs need and a box lacks, in a folder of the source's own."""

from __future__ import annotations

import functools
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import FrozenSet, List, Sequence, Set

from lab.base import ensure_base
from lab.rpms.debian import Shelf
from switchroom.core import process

LOADER = "ld-linux-x86-64.so.2"
# What a private C library loads by name at run time.
_LOADED = ("libnss_files.so.2", "libnss_dns.so.2", "libgcc_s.so.1")


@dataclass(frozen=True)
class Libraries:
    """Where a source's libraries come from, and where on a box (``home``) they will be."""

    shelf: Shelf
    home: str
    own_c_library: bool

    def bring(self, root: Path, users: Sequence[Path]) -> FrozenSet[str]:
        """Copy what ``users``, files below ``root``, need and a box lacks; return the libraries' names.

        Users and libraries find them by DT_RPATH, which counts, unlike DT_RUNPATH, for what is loaded later.
        Libraries among the users are found as Debian has arranged it, and are not brought.
        """
        target, own = root / self.home.lstrip("/"), shared(users)
        brought: Set[str] = set()
        queue = list(users)
        if self.own_c_library:
            queue += [self._copy(name, target) for name in (*_LOADED, LOADER)]
            brought |= {*_LOADED, LOADER}
        while queue:
            for name in needed(queue.pop()):
                if name not in brought and name not in own and not self._on_box(name):
                    queue.append(self._copy(name, target))
                    brought.add(name)
        self._point(users, target, brought)
        return frozenset(brought)

    def _on_box(self, name: str) -> bool:
        return not self.own_c_library and name in _of_the_base()

    def _copy(self, name: str, target: Path) -> Path:
        target.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(self.shelf.library(name), target / name))

    def _point(self, users: Sequence[Path], target: Path, brought: Set[str]) -> None:
        for user in users if brought else ():
            own = process.output(["patchelf", "--print-rpath", user])
            path = ":".join(filter(None, [self.home, own]))
            process.run(["patchelf", "--force-rpath", "--set-rpath", path, user])
            if self.own_c_library and is_program(user):
                process.run(["patchelf", "--set-interpreter", f"{self.home}/{LOADER}", user])
        for library in sorted(brought - {LOADER, "libc.so.6"}):
            process.run(["patchelf", "--force-rpath", "--set-rpath", "$ORIGIN", target / library])


def shared(users: Sequence[Path]) -> FrozenSet[str]:
    """Return the names that the libraries among ``users`` are known by: they come with the packages."""
    ours = [path for path in users if ".so" in path.name]
    links = (link for path in ours for link in path.parent.glob(f"{path.name.partition('.so')[0]}.so*"))
    return frozenset(path.name for path in (*ours, *links))


def needed(path: Path) -> List[str]:
    """Return the names of the libraries that a program or library asks for."""
    return process.output(["patchelf", "--print-needed", path]).split()


def is_elf(path: Path) -> bool:
    """Whether a file is a program or a shared library."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def is_program(path: Path) -> bool:
    """Whether an ELF file asks for a loader."""
    return process.run(["patchelf", "--print-interpreter", path], check=False).returncode == 0


@functools.cache
def _of_the_base() -> FrozenSet[str]:
    base = ensure_base()
    return frozenset(
        name
        for folder in ("usr/lib/x86_64-linux-gnu", "usr/lib", "usr/lib64")
        for name in os.listdir(base / folder)
        if ".so" in name
    )
