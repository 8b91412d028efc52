"""How a repository lies on disk, and how a new state of it appears to readers in one step.

``<root>/<channel>/el<major>/x86_64/generations/NNNN/`` is a whole repository that never changes. A publisher
makes the next one beside it, flushes it, renames it into place, then points the link ``current`` (the
writers' truth) and the mirror lists (the readers' doors, to its packages and its debug part) at it, each by
one rename.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ContextManager, Dict, FrozenSet, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import quote

from switchroom.build.repo.binding import Binding, check_until, default_until
from switchroom.build.repo.metadata import DEBUG, PACKAGES, RepoPackage, read_generation, read_repository
from switchroom.core import lock
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import fsync_dir, link_atomic, staging, write_atomic

TESTING, STABLE = "testing", "stable"
CHANNELS = (TESTING, STABLE)
PUBLIC_KEY = "RPM-GPG-KEY-switchroom"
MIRRORLIST, DEBUG_MIRRORLIST = "mirrorlist", "mirrorlist-debuginfo"
LOCK = ".lock"
VOUCHERS = f"{PUBLIC_KEY}.asc"
RECORDS, PAGE = "records.jsonl", "index.html"

MAJORS = (9, 10)
_ARCHITECTURE = "x86_64"
_SETTINGS = "repository.json"
_NEW, _OLD = ".new-", ".old-"
# Scratch of this module, and of the atomic writes and links made below.
_FILES = ("current", MIRRORLIST, DEBUG_MIRRORLIST, _SETTINGS, PUBLIC_KEY, VOUCHERS, RECORDS, PAGE)
_SCRATCH = (_NEW, _OLD, *(f".{name}." for name in _FILES))
_KEEP_GENERATIONS = 3
# dnf trusts its copy of the metadata for 48 hours (metadata_expire) and fetches packages by it.
RETENTION_SECONDS = 48 * 3600.0
_LOCK_SECONDS = 120.0


@dataclass(frozen=True)
class Channel:
    """One channel of a repository root, for one major of Enterprise Linux."""

    root: Path
    name: str
    el: int = MAJORS[0]

    @property
    def folder(self) -> Path:
        """The folder a web server shows for this channel."""
        return self.root / self.place

    @property
    def place(self) -> str:
        """The folder's path below the root."""
        return f"{self.name}/el{self.el}/{_ARCHITECTURE}"

    @property
    def generations(self) -> Path:
        """The folder of whole, immutable repositories."""
        return self.folder / "generations"

    def binding(self, until: Optional[datetime.date] = None) -> Binding:
        """Return what the channel's next metadata are good for (default: 30 days)."""
        return Binding(self.name, self.el, check_until(until) if until else default_until())

    @property
    def mirrorlist(self) -> Path:
        """The file dnf reads first: one line, the URL of the current generation."""
        return self.folder / MIRRORLIST

    @property
    def current(self) -> Optional[Path]:
        """The generation in force, or None in a channel nothing was published to."""
        link = self.folder / "current"
        return self.folder / os.readlink(link) if link.is_symlink() else None

    def packages(self) -> Tuple[RepoPackage, ...]:
        """Return the exact set of packages in force, those for debuggers apart."""
        return read_repository(self.current) if self.current else ()

    def all_packages(self) -> Tuple[RepoPackage, ...]:
        """Return the exact set of packages in force, those for debuggers included."""
        return read_generation(self.current) if self.current else ()

    def numbers(self) -> List[int]:
        """Return the numbers of the generations on disk, oldest first."""
        found = self.generations.iterdir() if self.generations.is_dir() else iter(())
        return sorted(int(path.name) for path in found if path.name.isdigit())

    def generation(self, number: int) -> Path:
        """Return the folder of a generation."""
        return self.generations / f"{number:04d}"

    def made(self, number: int) -> float:
        """Return when a generation was made, in seconds since 1970."""
        return self.generation(number).stat().st_mtime

    def present_since(self, file_name: str) -> Optional[float]:
        """Return when the oldest generation on disk that holds a package was made, None if none does."""
        holding = (n for n in self.numbers() if (self.generation(n) / PACKAGES / file_name).is_file())
        return next(map(self.made, holding), None)

    def holds(self, number: int) -> FrozenSet[str]:
        """Return the names of a generation's package files; a renewal holds the same as what it renews."""
        folder = self.generation(number)
        return frozenset(path.name for path in folder.glob(f"**/{PACKAGES}/*.rpm"))

    def mirrorlists(self) -> Dict[Path, str]:
        """Return what each mirror list has to say now."""
        if not self.current:
            return {}
        url = f"{repository_url(self.root)}/{self.place}/generations/{self.current.name}/"
        lists = {self.mirrorlist: f"{url}\n"}
        if (self.current / DEBUG).is_dir():  # not in what was published before there were any
            lists[self.folder / DEBUG_MIRRORLIST] = f"{url}{DEBUG}/\n"
        return lists

    def commit(self, prepared: Path) -> Path:
        """Make a prepared folder the generation in force and return its final path."""
        _flush(prepared)
        number = (self.numbers() or [0])[-1] + 1
        final = self.generation(number)
        _make_readable(self.generations, self.root)
        prepared.rename(final)
        fsync_dir(self.generations)
        link_atomic(f"generations/{final.name}", self.folder / "current")
        self.announce()
        return final

    def announce(self) -> None:
        """Make the mirror lists name the generation in force, where they do not yet."""
        for path, text in self.mirrorlists().items():
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                write_atomic(path, text.encode())

    def recover(self) -> None:
        """Remove what a publisher that died left behind: scratch, and generations never put in force."""
        sweep(self.folder)
        sweep(self.generations)
        in_force = int(self.current.name) if self.current else 0
        for number in self.numbers():
            if number > in_force:
                self._remove(number)

    def prune(self, retention: float) -> None:
        """Remove what was superseded over ``retention`` seconds ago, but for the last three sets."""
        numbers, kept = self.numbers(), self._last_sets()
        limit = time.time() - retention
        for number, successor in zip(numbers, numbers[1:]):
            if number not in kept and self.made(successor) <= limit:
                self._remove(number)

    def _last_sets(self) -> List[int]:
        """Return the newest generations that hold the last few different sets."""
        found: List[int] = []
        for number in reversed(self.numbers()):
            if len(found) < _KEEP_GENERATIONS and not (found and self.holds(number) == self.holds(found[-1])):
                found.append(number)
        return found

    def _remove(self, number: int) -> None:
        doomed = self.generations / f"{_OLD}{number:04d}"
        self.generation(number).rename(doomed)  # never half there under its number
        shutil.rmtree(doomed)


def open_repo(root: Path, channel: str, el: int = MAJORS[0]) -> Channel:
    """Return a channel of an existing repository; raises SwitchroomError when there is none."""
    if not (root / _SETTINGS).is_file():
        raise SwitchroomError(
            f"'{root}' is not a package repository.",
            hint="Make one with: switchroom repo publish --root DIR PACKAGES",
            code=ExitCode.USAGE,
        )
    return Channel(root, channel, el)


def all_channels(root: Path) -> Tuple[Channel, ...]:
    """Return the channels of each major that something was published for, and of the first one."""
    used = [el for el in MAJORS if el == MAJORS[0] or Channel(root, TESTING, el).current]
    return tuple(Channel(root, name, el) for el in used for name in CHANNELS)


def writer_lock(root: Path) -> ContextManager[None]:
    """Hold the whole repository for one writer; a second one waits, then is refused."""
    if not root.exists():  # one that is there has the mode its owner gave it
        _make_readable(root, root.parent)
    return lock.exclusive(root / LOCK, what=f"the repository '{root}'", wait=_LOCK_SECONDS)


def _make_readable(folder: Path, below: Path) -> None:
    """Make a folder, and let readers into it and what is between it and ``below``, whatever the umask."""
    folder.mkdir(parents=True, exist_ok=True)
    for place in (folder, *folder.parents):
        if place == below:
            break
        place.chmod(place.stat().st_mode | 0o755)


@contextlib.contextmanager
def prepared(channel: Channel) -> Iterator[Path]:
    """Clean up after a dead publisher and give a folder to prepare the next generation in."""
    sweep(channel.root)
    channel.recover()
    with staging(channel.folder, prefix=_NEW) as scratch:
        yield scratch


def sweep(folder: Path) -> None:
    """Remove a dead writer's scratch, known by its prefix: other hidden files may be the web server's."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if not path.name.startswith(_SCRATCH):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def repository_url(root: Path) -> str:
    """Return the URL readers reach the root by, without a slash at its end."""
    return str(settings(root)["url"] or "file://" + quote(str(root.absolute())))


def settings(root: Path) -> Dict[str, Any]:
    """Return what is set for a repository: its URL, and the gate's policy if one was given."""
    path = root / _SETTINGS
    try:
        return {"url": None, **(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})}
    except (ValueError, TypeError) as error:
        raise SwitchroomError(
            f"The settings in '{path}' cannot be read.",
            cause=str(error),
            hint="Put it back from a backup; or remove it, and set the URL and the gate again.",
        ) from error


def change_settings(root: Path, new: Mapping[str, Any]) -> None:
    """Change some of a repository's settings; the caller holds the writer's lock."""
    write_atomic(root / _SETTINGS, (json.dumps({**settings(root), **new}) + "\n").encode())


def public_key(root: Path) -> bytes:
    """Return the public key the repository hands to its readers."""
    return (root / PUBLIC_KEY).read_bytes()


def settle(root: Path, exported: bytes, url: Optional[str]) -> None:
    """Record the URL (None: its place on disk) and the public key of a repository, new or not."""
    if url and not url.startswith(("https://", "file://")):
        raise SwitchroomError(
            f"Boxes do not read mirror lists from '{url}'.",
            hint="Publish over https: whoever is between could name another, older generation else.",
            code=ExitCode.USAGE,
        )
    if not (root / PUBLIC_KEY).is_file():
        write_atomic(root / PUBLIC_KEY, exported)
    if url or not (root / _SETTINGS).is_file():
        change_settings(root, {"url": url.rstrip("/")} if url else {})


def _flush(folder: Path) -> None:
    """Flush what is new below a folder; a file with a second link was flushed where it came from."""
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            if path.stat().st_nlink == 1 or path.parent.name != PACKAGES:
                _fsync(path)
        fsync_dir(Path(place))


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
