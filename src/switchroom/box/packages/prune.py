"""Engines that a box does not need any more."""

from __future__ import annotations

import re
from typing import Container, Iterator, Sequence, Set, Tuple

from switchroom.box import engines
from switchroom.box.engines import Engine, engine_at
from switchroom.box.packages.changes import protect, remove
from switchroom.box.packages.state import extras_of, query
from switchroom.box.paths import Paths

_ENGINE_PACKAGE = re.compile(r"asterisk(\d[^_]*)_(\d+)")


def unneeded(paths: Paths, keep: Container[Engine] = ()) -> Tuple[Engine, ...]:
    """Return the installed engines that are neither active, nor previous, nor among ``keep``.

    ``keep`` is for the engines of an open transaction. Without an active engine none is unneeded.
    """
    active, previous = engines.active(paths), engines.previous(paths)
    if active is None:
        return ()
    standing = {*engines.installed(paths), *_recorded(paths)}
    return tuple(
        engine
        for engine in sorted(standing, key=lambda one: one.name)
        if engine not in (active, previous) and engine not in keep
    )


def _recorded(paths: Paths) -> Iterator[Engine]:
    """Yield the engines that rpm knows: a removal that was killed may have left a record and no program."""
    for name in query(["--whatprovides", "switchroom-asterisk"], "%{NAME}"):
        match = _ENGINE_PACKAGE.fullmatch(name)
        engine = engine_at(paths.on_box(paths.engines / "-".join(match.groups()))) if match else None
        if engine:
            yield engine


def packages_of(unwanted: Sequence[Engine]) -> Tuple[str, ...]:
    """Return the names of the engines' installed packages, and of the meta packages that demand them."""
    names: Set[str] = set()
    for engine in unwanted:
        own = dict(_split(query(["--all", engine.package, f"{engine.package}-*"], "%{NAME} %{SOURCERPM}")))
        names |= own.keys()
        for name, own_source in own.items():
            demanding = _split(query(["--whatrequires", name], "%{NAME} %{SOURCERPM}"))
            names |= {other for other, source in demanding if source == own_source}
    return tuple(sorted(names))


def prune(paths: Paths, unwanted: Sequence[Engine]) -> Tuple[str, ...]:
    """Remove engines that ``unneeded`` named, with what demands them; return the packages removed.

    Raises SwitchroomError (REFUSED) when another package that stays needs one of them.
    """
    staying = [engine for engine in (engines.active(paths), engines.previous(paths)) if engine]
    protect(paths, [name for engine in staying for name in _protected(engine)])
    return remove(packages_of(unwanted))


def _protected(engine: Engine) -> Tuple[str, ...]:
    return (engine.package, *(f"{engine.package}-{extra}" for extra in extras_of(engine)))


def _split(lines: Sequence[str]) -> Tuple[Tuple[str, str], ...]:
    return tuple((name, source) for name, _space, source in (line.partition(" ") for line in lines))
