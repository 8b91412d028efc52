"""Making packages whole again after an attempt that was cut off, in the middle of rpm's work perhaps.

Nothing tells which scriptlets were lost, and rpm flushes no file, so a package that was installed shortly
before a power cut may have empty files. So all that the first boot has installed is installed again, from the
files that the installation left. What was being unpacked just then is not in rpm's database: its empty files
are removed, or rpm would keep an empty configuration file as somebody's own.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Dict, List, Sequence, Set, Tuple

from switchroom.box import packages
from switchroom.box.firstboot import installed
from switchroom.box.firstboot.installed import Owned
from switchroom.box.firstboot.places import Places
from switchroom.box.packages import Kept
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import sha256

_RPM_SCRATCH = re.compile(r"(?P<name>.+);[0-9a-f]{8}")  # what rpm calls a file until it is complete
_GHOST = "g"


def repair(places: Places) -> int:
    """Install again what earlier attempts installed, and return how many packages that were.

    Raises SwitchroomError when a package is not whole after all, or its file is not at hand.
    """
    packages.clear_stale_locks(places.paths)
    pool = tuple(sorted(places.media.rglob("*.rpm")))
    tidy(places, installed.files_of(pool))
    again = _brought(places)
    if again:
        packages.reinstall(_kept(again, pool), history="switchroom firstboot: repair")
    packages.sync(places.paths)
    return len(again)


def tidy(places: Places, files: Sequence[Owned]) -> Tuple[Path, ...]:
    """Remove what a cut-off rpm left of these files: unfinished ones, and emptied ones."""
    sizes = {owned.path: owned.size for owned in files if _GHOST not in owned.flags}
    doomed = [path for path in _on_box(places, sizes) if _emptied(path, sizes[_name(places, path)])]
    for folder in sorted({os.path.dirname(name) for name in sizes}):
        doomed += _unfinished(places, folder, set(sizes))
    for path in doomed:
        path.unlink()
    return tuple(doomed)


def _on_box(places: Places, sizes: Dict[str, int]) -> List[Path]:
    return [places.paths.from_box(name) for name in sizes]


def _name(places: Places, path: Path) -> str:
    return str(places.paths.on_box(path))


def _emptied(path: Path, size: int) -> bool:
    try:
        now = path.lstat()
    except OSError:
        return False
    return size > 0 and now.st_size == 0 and stat.S_ISREG(now.st_mode)


def _unfinished(places: Places, folder: str, names: Set[str]) -> List[Path]:
    here = places.paths.from_box(folder)
    found = sorted(here.glob("*;*")) if here.is_dir() else []
    matches = [(path, _RPM_SCRATCH.fullmatch(_name(places, path))) for path in found]
    return [
        path
        for path, match in matches
        if match and match["name"] in names and (path.is_symlink() or not path.is_dir())
    ]


def _brought(places: Places) -> Tuple[str, ...]:
    """Return the packages that are there since the first boot began."""
    before = set(places.before.read_text(encoding="utf-8").splitlines())
    return tuple(nevra for nevra in installed.nevras() if nevra not in before)


def _kept(nevras: Sequence[str], pool: Sequence[Path]) -> Tuple[Kept, ...]:
    files = {path.name: path for path in pool}
    absent = [nevra for nevra in nevras if _file_name(nevra) not in files]
    if absent:
        raise SwitchroomError(
            "Packages may be torn, and their files are not on this box: it cannot repair them alone.",
            cause="\n".join(absent),
            hint="With a network, run: dnf reinstall " + " ".join(absent) + "; then: switchroom firstboot",
        )
    wanted = [(files[_file_name(nevra)], nevra) for nevra in nevras]
    return tuple(Kept(path, _as_dnf_says(nevra), sha256(path)) for path, nevra in wanted)


def _file_name(nevra: str) -> str:
    return re.sub(r"-\d+:", "-", nevra, count=1) + ".rpm"


def _as_dnf_says(nevra: str) -> str:
    """Return the NEVRA without an epoch of 0."""
    return nevra.replace("-0:", "-", 1)
