"""What is known of a runtime without dnf: its names, the enabled stream, a change cut short."""

import configparser
import json
import os
import re
from typing import FrozenSet, Iterable, List, Optional, Sequence

MODULES = "/etc/dnf/modules.d"
RECORDS = "/var/lib/switchroom/streams"


class Names:
    """The packages of a runtime, whichever of its versions they are named after.

    ``php-cli`` and ``php8.4-cli`` are the same part of the runtime ``php``; ``prefix`` is what the names of
    the wanted version begin with, ``others`` are packages of another name that move along.
    """

    def __init__(self, name: str, prefix: str, others: Sequence[str] = ()) -> None:
        self._pattern = re.compile(rf"{re.escape(name)}(?:\d+(?:\.\d+)*)?(?P<part>-.+)?")
        self._prefix = prefix
        self._others: FrozenSet[str] = frozenset(others)

    def belongs(self, package: str) -> bool:
        """Return whether a package is part of the runtime."""
        return package in self._others or self._pattern.fullmatch(package) is not None

    def counterpart(self, package: str) -> str:
        """Return what a package of the runtime is called in the wanted version."""
        match = self._pattern.fullmatch(package)
        return package if match is None else self._prefix + (match.group("part") or "")


def belongs_to(version: str, wanted: str) -> bool:
    """Return whether a version is one of a stream: ``8.2.30`` is one of ``8.2``, ``8.20`` is not."""
    return version == wanted or version.startswith(f"{wanted}.")


def enabled_stream(name: str, folder: str = MODULES) -> str:
    """Return the stream of a module that is enabled on this box, empty where none is."""
    state = configparser.ConfigParser(interpolation=None)
    state.read(os.path.join(folder, f"{name}.module"), encoding="utf-8")
    if not state.has_section(name) or state[name].get("state") != "enabled":
        return ""
    return state[name].get("stream", "")


class Record:
    """Says on disk that a change is under way, from before its first step until all of it is done.

    A transaction that was killed leaves packages whose scriptlets never ran and files of two versions, and
    no tool can tell afterwards; so what was under way is installed again by the next run.
    """

    def __init__(self, name: str, folder: str = RECORDS) -> None:
        self._folder, self._path = folder, os.path.join(folder, f"{name}.json")

    def read(self) -> Optional[List[str]]:
        """Return the names of the packages that were under way, None where nothing was cut short."""
        try:
            with open(self._path, encoding="utf-8") as stream:
                return [str(package) for package in json.load(stream)["packages"]]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return []

    def write(self, packages: Iterable[str]) -> None:
        """Put the names down; they are on disk when this returns."""
        os.makedirs(self._folder, mode=0o755, exist_ok=True)
        new = f"{self._path}.new"
        with open(new, "w", encoding="utf-8") as stream:
            json.dump({"packages": sorted(packages)}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(new, self._path)
        _flush(self._folder)

    def remove(self) -> None:
        """Say that all is done."""
        if os.path.exists(self._path):
            os.unlink(self._path)
            _flush(self._folder)


def _flush(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
