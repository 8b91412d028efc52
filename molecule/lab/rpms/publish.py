"""The repositories of a dress, and the layer that makes a box know them."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Tuple

from lab import registry
from lab.rpms import build, modules
from lab.rpms.model import DRESSES, HERE, Outlet, published
from switchroom.build.keys import development_key
from switchroom.build.workspace import cache_dir
from switchroom.core import lock, process
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import staging, syncfs
from switchroom.core.progress import Reporter

KEY = "RPM-GPG-KEY-lab"
REPOSITORIES = ("baseos", "appstream", "crb", "epel")
ON_BOX = "/srv/lab"

_BUILD_SECONDS = 3600.0
_KEEP_SECONDS = 24 * 3600.0


def repository(dress: str = "el9", reporter: Optional[Reporter] = None) -> Path:
    """Return the folder with the repositories of a dress, ``el9`` or ``el10``, made first if it is not kept.

    It has one repository each in ``baseos``, ``appstream``, ``crb`` and ``epel``, and the key that signed
    the packages. Nobody may write to it. Needs the machine's own Debian mirror for what was not made before.
    """
    if dress not in DRESSES:
        raise SwitchroomError(
            f"The lab has no dress '{dress}', only {' and '.join(DRESSES)}.", code=ExitCode.USAGE
        )
    folder = cache_dir("lab", "rpms", "published")
    final = folder / f"{dress}-{_key(dress)}"
    if final.is_dir():
        return final
    with lock.exclusive(folder / ".lock", what="the lab's packages", wait=_BUILD_SECONDS):
        if not final.is_dir():
            with (reporter or Reporter()).step(f"Making the lab's packages of the dress '{dress}'"):
                _make(dress, final)
                _prune(folder)
    return final


def bind(dress: str) -> Mapping[Path, str]:
    """Return the bind that shows the repositories to a box."""
    return {repository(dress): ON_BOX}


def _key(dress: str) -> str:
    digest = hashlib.sha256(development_key().fingerprint.encode())
    for path in (HERE / "publish.py", HERE / "modules.py"):
        digest.update(path.read_bytes())
    for source, outlet in published(dress):
        digest.update(f"{source.name}\0{outlet}\0{source.key(outlet)}\0".encode())
    return digest.hexdigest()[:16]


def _make(dress: str, final: Path) -> None:
    process.require("createrepo_c", "modifyrepo_c", "rpmbuild", "patchelf")
    build.sweep()
    with staging(final.parent) as scratch:
        root = scratch / "root"
        for name in REPOSITORIES:
            (root / name).mkdir(parents=True)
        streams: Dict[str, Dict[str, List[Path]]] = defaultdict(dict)
        for outlet, rpms in _built(dress):
            placed = [root / outlet.repository / rpm.name for rpm in rpms]
            for rpm, place in zip(rpms, placed):
                os.link(rpm, place)  # published files never change
            if outlet.module:
                streams[outlet.repository][outlet.module] = placed
        for name in REPOSITORIES:
            process.run(["createrepo_c", "--quiet", root / name], what="Publishing the lab's packages")
            modules.add_streams(root / name, streams[name])
        (root / KEY).write_bytes(development_key().export_public())
        syncfs(root)  # a power cut after the rename must not leave empty files under the final name
        root.rename(final)


def _built(dress: str) -> List[Tuple[Outlet, Tuple[Path, ...]]]:
    pairs = list(published(dress))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(zip((outlet for _, outlet in pairs), pool.map(lambda pair: build.ensure(*pair), pairs)))


def _prune(folder: Path) -> None:
    """Remove repositories that are old and that no box sees."""
    seen = {host for record in registry.records() for host in record.binds}
    for old in folder.glob("el*"):
        if str(old) not in seen and old.stat().st_mtime < time.time() - _KEEP_SECONDS:
            shutil.rmtree(old)
