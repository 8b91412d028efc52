"""The distribution's part of a medium: the lab's packages where a DVD has BaseOS and AppStream."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Optional, Sequence

from lab.rpms.ansible import ansible_core
from lab.rpms.publish import repository
from switchroom.core import process

DRESS = "el9"


def lay_out(
    medium: Path, ansible: str = DRESS, more: Sequence[Path] = (), groups: Optional[Path] = None
) -> None:
    """Lay the packages of EL9 out below ``medium``, with the ansible-core of the dress ``ansible``.

    ``more`` are packages for BaseOS besides, ``groups`` is a file of comps for it.
    """
    published, packages = repository(DRESS), medium / "BaseOS/Packages"
    shutil.copytree(published / "appstream", medium / "AppStream", copy_function=os.link)
    packages.mkdir(parents=True)
    found = [path for source in ("baseos", "epel") for path in (published / source).glob("*.rpm")]
    for rpm in (*found, ansible_core(ansible), *more):
        os.link(rpm, packages / rpm.name)
    named = [f"--groupfile={groups}"] if groups else []
    process.run(["createrepo_c", "--quiet", *named, medium / "BaseOS"], what="Making the medium's repository")
