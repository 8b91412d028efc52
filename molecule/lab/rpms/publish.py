"""The repositories of a dress, and the layer that makes a box know them."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from pathlib import Path
from typing import Dict, List, Mapping, Optional

from lab.rpms import build, modules
from lab.rpms.model import DRESSES, HERE, Outlet, Source, published
from switchroom.build.keys import development_key
from switchroom.build.workspace import cache_dir
from switchroom.core import lock, process
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import staging
from switchroom.core.progress import Reporter

KEY = "RPM-GPG-KEY-lab"
REPOSITORIES = ("baseos", "appstream", "crb", "epel")
ON_BOX = "/srv/lab"

_BUILD_SECONDS = 3600.0
_KEEP = 3


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
    with staging(final.parent) as scratch:
        root = scratch / "root"
        for name in REPOSITORIES:
            (root / name).mkdir(parents=True)
        streams: Dict[str, Dict[str, List[Path]]] = defaultdict(dict)
        for source, outlet in published(dress):
            rpms = _add(source, outlet, root / outlet.repository)
            if outlet.module:
                streams[outlet.repository][outlet.module] = rpms
        for name in REPOSITORIES:
            process.run(["createrepo_c", "--quiet", root / name], what="Publishing the lab's packages")
            modules.add_streams(root / name, streams[name])
        (root / KEY).write_bytes(development_key().export_public())
        os.sync()  # a power cut after the rename must not leave empty files under the final name
        root.rename(final)


def _add(source: Source, outlet: Outlet, folder: Path) -> List[Path]:
    """Put a source's packages into a repository; published files never change, so a link will do."""
    placed = []
    for rpm in build.ensure(source, outlet):
        os.link(rpm, folder / rpm.name)
        placed.append(folder / rpm.name)
    return placed
