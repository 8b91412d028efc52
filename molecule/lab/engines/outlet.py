"""Repositories that offer engines, published and promoted as the real ones are, for boxes and roots."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from lab.engines.keep import LabEngine
from lab.roots import Repository
from switchroom.build import repo
from switchroom.build.keys import SigningKey
from switchroom.build.repo.layout import PUBLIC_KEY
from switchroom.build.workspace import data_path
from switchroom.core.progress import Reporter

_KEY_ON_BOX = Path("etc/pki/rpm-gpg") / PUBLIC_KEY
_QUIET = Reporter(quiet=True)


@dataclass(frozen=True)
class Outlet:
    """A repository: its folder on the host, and the URL under which its readers see that folder."""

    root: Path
    url: str

    def repository(self, channel: str = repo.STABLE) -> Repository:
        """Return one channel as dnf on the host is to be told of it."""
        door = f"{self.url}/{channel}/el9/x86_64/mirrorlist"
        return Repository(f"switchroom-{channel}", door, self.root / PUBLIC_KEY, mirrorlist=True)

    def introduce(self, root: Path) -> None:
        """Write the files below ``root`` that tell a box of it: those of switchroom-release, and the key."""
        (root / _KEY_ON_BOX).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.root / PUBLIC_KEY, root / _KEY_ON_BOX)
        for path in (data_path("rpmspecs") / "switchroom-release").glob("*.repo"):
            text = path.read_text().replace("@URL@", self.url).replace("@EL@", "9")
            (root / "etc/yum.repos.d" / path.name).write_text(text)


def offer(
    outlet: Outlet,
    shared: Sequence[Path],
    stable: Sequence[LabEngine],
    testing: Sequence[LabEngine],
    *,
    key: SigningKey,
    epoch: int,
) -> Outlet:
    """Publish the ``shared`` packages and engines, promote all but those of ``testing``."""
    good = [*shared, *(rpm for engine in stable for rpm in engine.packages)]
    trial = [rpm for engine in testing for rpm in engine.packages]
    repo.publish(outlet.root, good, key=key, epoch=epoch, reporter=_QUIET, url=outlet.url)
    repo.promote(outlet.root, None, key=key, epoch=epoch, reporter=_QUIET)
    if trial:
        repo.publish(outlet.root, trial, key=key, epoch=epoch, reporter=_QUIET)
    return outlet
