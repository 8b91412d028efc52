"""Installs the system's packages into the image's file systems, with dnf, from the medium's repositories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence

from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.process import Arg, run

_MAIN = """\
[main]
gpgcheck=1
best=1
plugins=0
install_weak_deps=0
# This machine's own repositories, variables and protected packages are none of the new system's business.
reposdir=/nonexistent
varsdir=/nonexistent
protected_packages=
"""


@dataclass(frozen=True)
class Source:
    """A repository of the distribution on the medium, and the keys its packages are signed with."""

    name: str
    folder: Path
    keys: Sequence[Path]

    def section(self) -> str:
        """Return what dnf reads of it."""
        keys = " ".join(f"file://{key}" for key in self.keys)
        return f"[{self.name}]\nname={self.name}\nbaseurl=file://{self.folder}\ngpgkey={keys}\n"


def install(root: Path, sources: Sequence[Source], packages: Sequence[str], el: int, scratch: Path) -> None:
    """Install packages into the empty ``root``, each one's signature checked.

    dnf's history is the new system's. ``scratch`` is a folder for its configuration; dnf takes all other
    folders of its own as below ``root``. Raises SwitchroomError with dnf's words when it fails.
    """
    keyless = [one.name for one in sources if not one.keys]
    if keyless:
        raise SwitchroomError(
            "The base has no public key, so nothing vouches for its packages.",
            hint="Use an ISO that has its publisher's 'RPM-GPG-KEY-…' at the top.",
            code=ExitCode.REFUSED,
        )
    conf = scratch / "dnf.conf"
    module = f"module_platform_id=platform:el{el}\n"
    conf.write_text(_MAIN + module + "".join(one.section() for one in sources))
    words: List[Arg] = ["dnf", "--config", conf, "--installroot", root, f"--releasever={el}", "--assumeyes"]
    run([*words, "install", *packages], what="Installing the system")
