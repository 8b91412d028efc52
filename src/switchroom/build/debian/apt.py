"""apt for another Debian suite, with a state folder of its own: the machine's packages are never touched.

apt itself verifies everything it fetches: the suite's Release file against the archive's keyring, the
package lists against the Release file, and the files against the lists.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import List, Optional, Tuple

from switchroom.build.debian.origin import Origin
from switchroom.core import process
from switchroom.core.errors import SwitchroomError

_EPOCH_AND_VERSION = re.compile(r"^(?:\d+:)?(?P<version>\d[^+~-]*)")


class Suite:
    """One suite of a Debian archive; ``state`` (a folder) holds its lists between calls."""

    def __init__(self, name: str, origin: Origin, state: Path) -> None:
        self.name, self._origin, self._state = name, origin, state

    def update(self) -> None:
        """Fetch and verify the suite's lists; raises SwitchroomError when anything was not fetched."""
        self._prepare()
        self._run("apt-get", "update", "-o", "APT::Update::Error-Mode=any")

    def source_version(self, package: str) -> Optional[str]:
        """Return the newest version of a source package as Debian writes it, or None."""
        shown = self._run("apt-cache", "showsrc", "--only-source", package, check=False)
        return _newest(re.findall(r"^Version: *(\S+)$", shown, re.MULTILINE))

    def binary_version(self, package: str) -> Optional[str]:
        """Return the version of a binary package that apt would fetch, or None."""
        shown = self._run("apt-cache", "show", "--no-all-versions", package, check=False)
        return _newest(re.findall(r"^Version: *(\S+)$", shown, re.MULTILINE))

    def download_source(self, package: str, version: str, folder: Path) -> None:
        """Fetch a source package's files into ``folder``, verified but not unpacked."""
        self._run("apt-get", "source", "--download-only", f"{package}={version}", cwd=folder)

    def download_binary(self, package: str, version: str, folder: Path) -> Path:
        """Fetch a binary package into ``folder`` and return its path."""
        self._run("apt-get", "download", f"{package}={version}", cwd=folder)
        return next(folder.glob(f"{package}_*.deb"))

    def options(self) -> List[str]:
        """Return the options that keep this suite's apt apart from the machine's."""
        state = self._state
        settings = {
            "Dir::Etc::sourcelist": str(state / "sources.list"),
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State::lists": str(state / "lists"),
            "Dir::State::status": str(state / "status"),
            "Dir::Cache": str(state / "cache"),
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
        }
        if os.geteuid() == 0:
            settings["APT::Sandbox::User"] = "root"  # _apt cannot write to a folder of ours
        return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]

    def _prepare(self) -> None:
        (self._state / "lists/partial").mkdir(parents=True, exist_ok=True)
        (self._state / "cache/archives/partial").mkdir(parents=True, exist_ok=True)
        (self._state / "status").touch()
        where = f"[signed-by={self._origin.keyring}] {self._origin.uri} {self.name} main"
        (self._state / "sources.list").write_text(f"deb {where}\ndeb-src {where}\n")

    def _run(self, tool: str, *words: str, cwd: Optional[Path] = None, check: bool = True) -> str:
        argv = [tool, "-q", *self.options(), *words]
        result = process.run(argv, cwd=cwd, env={"LC_ALL": "C"}, check=False)
        if check and result.returncode != 0:
            said = _relevant((result.stdout + result.stderr).decode(errors="replace"))
            raise SwitchroomError(f"Asterisk cannot be had from the Debian suite '{self.name}'.", cause=said)
        return result.stdout.decode(errors="replace")


def upstream_version(debian_version: str) -> str:
    """Return the upstream part of a Debian version: ``22.10.1`` of ``1:22.10.1+dfsg+~cs6.17-1``."""
    match = _EPOCH_AND_VERSION.match(debian_version)
    return match["version"] if match else debian_version


def _newest(versions: List[str]) -> Optional[str]:
    return max(versions, key=_sort_key, default=None)


def _sort_key(version: str) -> Tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _relevant(text: str) -> str:
    """Return apt's errors and warnings alone where it printed any."""
    lines = [line for line in text.splitlines() if line.startswith(("E:", "W:"))]
    return "\n".join(lines) or text
