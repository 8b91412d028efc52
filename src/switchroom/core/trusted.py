"""A path that nobody but its owner can change, to its last component: walked once, by descriptors.

A name that is looked up twice may lead elsewhere the second time, as long as one folder or link on its way is
somebody else's. Here each component is opened in the folder before it, without following, and judged by its
descriptor; links are taken apart and walked the same way. What comes out has no link in it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import List, Optional

_COMPONENT = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_LINKS = 40  # as many as the kernel follows


class Untrusted(Exception):  # noqa: N818 - a finding; the caller says what follows from it
    """A component of a path is another's, or can be changed by others; the text names it and says which."""


def walk(path: Path, owner: int = 0, base: Path = Path("/")) -> Path:
    """Return where a path leads, without links, when all of it is ``owner``'s alone to change.

    ``base`` is where the walk begins, and is judged too; ``path`` and all links stay below it. Raises
    Untrusted, and OSError where there is nothing.
    """
    with contextlib.ExitStack() as stack:
        return _Walk(stack, owner, base).to(list(path.relative_to(base).parts))


class _Walk:
    def __init__(self, stack: contextlib.ExitStack, owner: int, base: Path) -> None:
        self._stack, self._owner, self._base = stack, owner, base
        self._names: List[str] = []
        self._handles = [self._open(os.fspath(base), None)]
        self._judge(self._handles[0], base)

    def to(self, names: List[str]) -> Path:
        """Walk from the base along ``names``; return the way without links."""
        names, links = names[::-1], 0
        while names:
            name = names.pop()
            if name == "..":
                self._up()
                continue
            handle = self._open(name, self._handles[-1])
            self._judge(handle, self._here / name)
            if not stat.S_ISLNK(os.fstat(handle).st_mode):
                self._handles.append(handle)
                self._names.append(name)
                continue
            links += 1
            if links > _LINKS:
                raise Untrusted(f"'{self._here / name}' leads in a circle")
            names += self._behind(handle)[::-1]
        return self._here

    @property
    def _here(self) -> Path:
        return self._base.joinpath(*self._names)

    def _up(self) -> None:
        if self._names:
            self._names.pop()
            self._handles.pop()

    def _behind(self, link: int) -> List[str]:
        """Return the components that a link names, from where the walk then stands."""
        target = Path(os.readlink("", dir_fd=link))
        if not target.is_absolute():
            return list(target.parts)
        del self._handles[1:], self._names[:]
        try:
            return list(target.relative_to(self._base).parts)
        except ValueError:
            raise Untrusted(f"a link leads out of '{self._base}': '{target}'") from None

    def _open(self, name: str, folder: Optional[int]) -> int:
        handle = os.open(name, _COMPONENT, dir_fd=folder)
        self._stack.callback(os.close, handle)
        return handle

    def _judge(self, handle: int, path: Path) -> None:
        about = os.fstat(handle)
        if about.st_uid != self._owner:
            raise Untrusted(f"'{path}' is not owned by root")
        if about.st_mode & _OTHERS and not stat.S_ISLNK(about.st_mode):
            raise Untrusted(f"'{path}' can be changed by others than root")
