"""The engines of a box: which stand there, which one is selected, and how another one is."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Tuple

from switchroom.box.paths import Paths
from switchroom.core.files import link_atomic

_PREFIX_NAME = re.compile(r"(?P<version>\d[^-]*)-(?P<build>\d+)")


@dataclass(frozen=True)
class Engine:
    """One exact build of Asterisk; ``prefix`` is its folder as the box names it."""

    version: str
    build: int
    prefix: Path

    @property
    def package(self) -> str:
        """The name of its package, for example ``asterisk22.10.1_1``."""
        return f"asterisk{self.version}_{self.build}"

    @property
    def name(self) -> str:
        """The last part of its prefix, for example ``22.10.1-1``."""
        return self.prefix.name


def engine_at(prefix: Path) -> Optional[Engine]:
    """Return the engine that a prefix's name tells of, or None if it is no such name."""
    match = _PREFIX_NAME.fullmatch(prefix.name)
    return Engine(match["version"], int(match["build"]), prefix) if match else None


def installed(paths: Paths) -> Tuple[Engine, ...]:
    """Return the engines whose program is there, in the order of their names."""
    folders = sorted(paths.engines.iterdir()) if paths.engines.is_dir() else []
    found = (engine_at(paths.on_box(folder)) for folder in folders if startable(folder))
    return tuple(engine for engine in found if engine)


def startable(prefix: Path) -> bool:
    """Return whether a prefix (as this process sees it) holds a program that can be started."""
    return os.access(prefix / "sbin/asterisk", os.X_OK)


def active(paths: Paths) -> Optional[Engine]:
    """Return the selected engine, or None when the selector is missing or leads nowhere."""
    return _linked(paths, paths.selector)


def previous(paths: Paths) -> Optional[Engine]:
    """Return the engine that a rollback goes to, or None."""
    return _linked(paths, paths.previous)


def select(paths: Paths, engine: Engine) -> None:
    """Point the selector at an engine: one rename, flushed to disk before it returns."""
    link_atomic(str(engine.prefix), paths.selector)


def remember(paths: Paths, engine: Engine) -> None:
    """Make an engine the one that a rollback goes to, as durably as ``select``."""
    link_atomic(str(engine.prefix), paths.previous)


def _linked(paths: Paths, link: Path) -> Optional[Engine]:
    try:
        target = os.readlink(link)
    except OSError:
        return None
    return engine_at(Path(target)) if startable(paths.from_box(target)) else None
