"""The one way to read what the user asterisk can change: from few folders, whole files only, and bounded.

Paths are as the box names them, below a root that is ``/`` but for images and tests. A path is followed by
hand, each link inside the root; the link-free path that comes of it must lie in an allowed folder, and is
opened step by step without following anything, so that a link put there meanwhile is refused.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Tuple, TypeVar

from switchroom.box.limits import Reading, load_limits
from switchroom.core.errors import SwitchroomError

T = TypeVar("T")

_COUNTED = ("bytes", "files", "names", "statements", "expansions")

_DEEPEST = 32  # folders in folders
_TICKS = 16  # from one look at the clock to the next
_LINKS = 40  # as many as Linux follows before it says ELOOP
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class SpentError(SwitchroomError):
    """The budget of one reader is spent: what it reads is larger, or slower, than anything in earnest."""


class UnreadableError(SwitchroomError):
    """One file or folder is not read; the reader goes on with the others."""


class Budget:
    """What one reader may still read; every method that takes from it raises SpentError when it is spent.

    Its seconds are the processor's for the thread that reads: a busy machine is no stranger's work.
    """

    def __init__(
        self, limits: Optional[Reading] = None, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self.limits = limits or load_limits().reading
        self._clock, self._deadline = clock, clock() + self.limits.seconds
        self._ticks = 0
        self._places: Dict[Path, Tuple[Path, ...]] = {}
        self._left = {name: getattr(self.limits, name) for name in _COUNTED}

    def allows(self, root: Path, where: Path) -> bool:
        """Return whether a link-free path lies in one of the folders; they may be links, which are root's."""
        if root not in self._places:
            self._places[root] = tuple(rooted(root, name) for name in self.limits.roots)
        return any(place == where or place in where.parents for place in self._places[root])

    def spend(self, what: str, amount: int = 1) -> None:
        """Take from ``bytes``, ``files``, ``names``, ``statements`` or ``expansions``."""
        self.tick()
        self._left[what] -= amount
        if self._left[what] < 0:
            raise SpentError(f"More than {getattr(self.limits, what)} {what} would be read.")

    def tick(self) -> None:
        """Look at the clock, now and then."""
        self._ticks += 1
        if self._ticks % _TICKS == 0 and self._clock() > self._deadline:
            raise SpentError(f"Reading took more than {self.limits.seconds:g} s of the processor.")

    def watched(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items, with a look at the clock before each."""
        for item in items:
            self.tick()
            yield item


def rooted(root: Path, name: str) -> Path:
    """Return where the box's path ``name`` really is; an absolute link stays below ``root``.

    What cannot be looked at (a name too long, a part that is no folder) is left as it is.
    """
    top = here = str(root).rstrip("/")
    left, followed = _steps(name), 0
    while left:
        step = left.pop()
        if step == "..":
            here = here if here == top else here.rpartition("/")[0]
            continue
        target = _link(f"{here}/{step}") if followed < _LINKS else ""
        if target:
            followed += 1
            here = top if target.startswith("/") else here
            left += _steps(target)
        else:
            here = f"{here}/{step}"
    return Path(here or "/")


def _steps(name: str) -> List[str]:
    """Return the parts of a path, the first one last."""
    return [part for part in reversed(name.split("/")) if part not in ("", ".")]


def contents(root: Path, name: str, budget: Budget, most: Optional[int] = None) -> bytes:
    """Return a regular file's bytes; ``most`` is less than the budget's limit for one file.

    Raises OSError as opening does, UnreadableError for what is no regular file, is too large, or lies outside
    of the folders that may be read.
    """
    budget.spend("files")
    limit = min(most or budget.limits.file_bytes, budget.limits.file_bytes)
    handle = _open(root, name, budget)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise UnreadableError(f"'{name}' is not a regular file.")
        if about.st_size > limit:  # before its bytes: a sparse file costs whoever wrote it nothing
            raise UnreadableError(f"The file '{name}' has {about.st_size} bytes; {limit} are read at most.")
        budget.spend("bytes", about.st_size)
        with os.fdopen(handle, "rb", closefd=False) as stream:
            data = stream.read(about.st_size)  # what is appended meanwhile is nobody's whole line yet
    finally:
        os.close(handle)
    return data


def is_file(root: Path, name: str) -> bool:
    """Return whether a path leads to a regular file, wherever it lies."""
    try:
        return stat.S_ISREG(os.stat(rooted(root, name)).st_mode)
    except (OSError, ValueError):
        return False


def listed(root: Path, folder: str, budget: Budget) -> List[str]:
    """Return the names in a folder, sorted; raises as ``contents``."""
    handle = os.open(".", os.O_RDONLY | os.O_CLOEXEC, dir_fd=(inside := _open(root, folder, budget, _FOLDER)))
    os.close(inside)
    try:
        with os.scandir(handle) as entries:
            names = []
            for entry in entries:
                budget.spend("names")
                names.append(entry.name)
    finally:
        os.close(handle)
    return sorted(names)


def files_below(root: Path, folder: str, budget: Budget) -> Iterator[str]:
    """Yield the regular files in a folder and its folders, as deep as anybody nests them.

    A folder that is a link is not entered.
    """
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        if here.count("/") > folder.count("/") + _DEEPEST:
            continue
        try:
            names = [f"{here}/{name}" for name in listed(root, here, budget)]
        except (OSError, UnreadableError):
            continue
        yield from (name for name in names if is_file(root, name))
        waiting += [name for name in reversed(names) if _is_folder(root, name)]


def _is_folder(root: Path, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(rooted(root, os.path.dirname(name)) / os.path.basename(name)).st_mode)
    except (OSError, ValueError):
        return False


def _open(root: Path, name: str, budget: Budget, flags: int = _FILE) -> int:
    where = rooted(root, name)
    if not budget.allows(root, where):
        raise UnreadableError(f"'{name}' lies outside of the folders that this tool reads.")
    *folders, last = where.relative_to(root).parts
    try:
        handle = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in folders:
                inner = os.open(part, _FOLDER, dir_fd=handle)
                os.close(handle)
                handle = inner
            return os.open(last, flags, dir_fd=handle)
        finally:
            os.close(handle)
    except ValueError as error:  # a zero byte
        raise UnreadableError(f"'{name}' is no name of a file.") from error


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except (OSError, ValueError):
        return ""
