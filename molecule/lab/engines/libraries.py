"""The shared libraries that a foreign program brings along, found by the engine alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Iterator, Sequence

from switchroom.core import process
from switchroom.core.errors import SwitchroomError

_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
_FOLDERS = (
    "usr/lib/x86_64-linux-gnu",
    "lib/x86_64-linux-gnu",
    "usr/lib",
    "usr/lib/x86_64-linux-gnu/pulseaudio",
)
# The C library is one with the loader, and what it loads (name services) may need the newer compiler library.
_OF_THE_BOX = re.compile(
    r"(ld-linux-x86-64|lib(anl|c|dl|gcc_s|m|mvec|nss_\w+|pthread|resolv|rt|stdc\+\+|util))\.so\.\d+"
)


def bring_libraries(source: Path, prefix: Path, run_path: str) -> Sequence[str]:
    """Copy what the programs and modules below ``prefix`` need into its ``lib``, and return their names.

    They come from the unpacked packages ``source``. Programs find them by the DT_RPATH ``run_path``, which
    counts, unlike DT_RUNPATH, for the modules too. Raises SwitchroomError when one is not there.
    """
    programs = [path for path in (prefix / "sbin").iterdir() if _is_elf(path)]
    modules = sorted((prefix / "modules").glob("*.so"))
    names = _copy(source, [*programs, *modules], prefix / "lib")
    for program in programs:
        process.run(["patchelf", "--force-rpath", "--set-rpath", run_path, program])
    return names


def _copy(source: Path, users: Sequence[Path], target: Path) -> Sequence[str]:
    target.mkdir()
    queue, brought = list(users), set[str]()
    while queue:
        user = queue.pop()
        for name in _needed(user):
            if name not in brought and not _OF_THE_BOX.fullmatch(name):
                queue.append(Path(shutil.copy(_find(source, name, user), target / name)))
                brought.add(name)
    return sorted(brought)


def _find(source: Path, name: str, user: Path) -> Path:
    for folder in _FOLDERS:
        if (source / folder / name).exists():
            return source / folder / name
    raise SwitchroomError(
        f"The library '{name}', which '{user.name}' needs, is in no package that was fetched."
    )


def _needed(path: Path) -> Iterator[str]:
    yield from _NEEDED.findall(process.output(["readelf", "--dynamic", path], env={"LC_ALL": "C"}))


def _is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return not path.is_symlink() and stream.read(4) == b"\x7fELF"
