"""What upstream has released: the listing of its download folder, over the network or in a local copy."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from switchroom.build import upstream
from switchroom.build.asterisk_source import ChangeLog, change_log
from switchroom.build.release_signatures import ENDING
from switchroom.build.upstream import UPSTREAM
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.progress import Reporter

_FOLDERS = ("asterisk/releases", "certified-asterisk/releases")
_TARBALL = re.compile(r"asterisk-((?:certified-)?\d+\.\d+(?:\.\d+|-cert\d+))\.tar\.gz")
_ROW = re.compile(r'<a href="([^"/?]+)">.*?(\d{4}-\d{2}-\d{2}) \d{2}:\d{2}')  # Apache's listing
_SHA256 = re.compile(r"^([0-9a-f]{64})\b")
_SECONDS = (10.0, 60.0)  # to connect, without a byte


@dataclass(frozen=True)
class Release:
    """One release of Asterisk; ``source_version`` is as upstream writes it, ``address`` the tarball's."""

    source_version: str
    date: datetime.date
    address: str

    @property
    def certified(self) -> bool:
        """Whether it is of a certified branch."""
        return self.source_version.startswith("certified-")

    @property
    def version(self) -> str:
        """The version as packages have it: 22.10.1, 22.8cert4."""
        return self.source_version.removeprefix("certified-").replace("-cert", "cert")

    @property
    def series(self) -> str:
        """The catalog's key of its series: 22, certified-22.8."""
        branch = self.version.partition("cert")[0]
        return f"certified-{branch}" if self.certified else branch.partition(".")[0]

    @property
    def order(self) -> tuple[int, ...]:
        """What orders the releases of one series."""
        return order(self.version)

    @property
    def tarball(self) -> str:
        """The file name of its source."""
        return self.address.rpartition("/")[2]


def order(version: str) -> tuple[int, ...]:
    """Return what orders the versions of one series."""
    return tuple(int(number) for number in re.findall(r"\d+", version))


class Upstream:
    """Upstream's download folder: ``root`` is an address, or the path of a copy of it."""

    def __init__(self, root: str, reporter: Reporter) -> None:
        self.root = root.rstrip("/")
        self._reporter = reporter

    def releases(self) -> list[Release]:
        """Return all final releases listed; raises SwitchroomError when there are none to be read."""
        found = [
            Release(match[1], date, f"{self.root}/{folder}/{name}")
            for folder in _FOLDERS
            for name, date in self._listed(folder)
            if (match := _TARBALL.fullmatch(name))
        ]
        if not found:
            raise SwitchroomError(
                f"'{self.root}' lists no release of Asterisk.",
                hint=f"Give the folder that holds '{_FOLDERS[0]}', as {UPSTREAM} does.",
                code=ExitCode.USAGE,
            )
        return found

    def change_log(self, release: Release) -> ChangeLog:
        """Return the change log beside a release's tarball."""
        return change_log(self._beside(release, f"ChangeLog-{release.source_version}.md"))

    def sha256(self, release: Release) -> str:
        """Return the SHA-256 that upstream states for a release's tarball."""
        stated = _SHA256.search(self._beside(release, release.tarball.removesuffix(".tar.gz") + ".sha256"))
        if not stated:
            raise SwitchroomError(f"Upstream states no SHA-256 of '{release.tarball}'.")
        return stated[1]

    def fetch(self, release: Release, folder: Path, *, signed: bool) -> Path:
        """Return a release's tarball: that of a local copy as it is, else downloaded into the folder.

        ``signed`` downloads its signature too, or nothing.
        """
        if self._local:
            return Path(release.address)
        if signed:
            signature = folder / (release.tarball + ENDING)
            upstream.download(release.address + ENDING, signature, self._reporter)
        upstream.download(release.address, folder / release.tarball, self._reporter)
        return folder / release.tarball

    @property
    def _local(self) -> bool:
        return "://" not in self.root

    def _listed(self, folder: str) -> Iterator[tuple[str, datetime.date]]:
        if not self._local:
            for name, date in _ROW.findall(self._text(f"{self.root}/{folder}/")):
                yield name, datetime.date.fromisoformat(date)
            return
        for path in sorted(Path(self.root, folder).glob("*")):
            yield (
                path.name,
                datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.timezone.utc).date(),
            )

    def _beside(self, release: Release, name: str) -> str:
        return self._text(release.address.removesuffix(release.tarball) + name)

    def _text(self, address: str) -> str:
        try:
            if self._local:
                return Path(address).read_text(encoding="utf-8", errors="replace")
            response = requests.get(address, timeout=_SECONDS)
            response.raise_for_status()
            return response.text
        except (OSError, requests.RequestException) as error:  # the latter is one of the former, for some
            raise SwitchroomError(
                f"'{address}' cannot be read.",
                cause=str(error),
                hint="Check the way to upstream, or give a local copy of its folder.",
            ) from error
