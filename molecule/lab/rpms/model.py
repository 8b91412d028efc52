"""What the lab's packages are made from: one file a source, checked against ``source.schema.json``."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, Mapping, Optional, Sequence, Tuple

import jsonschema
import yaml

from lab.recipe import content_key

HERE = Path(__file__).resolve().parent
SOURCES, FILES = HERE / "sources", HERE / "files"
DRESSES = ("el9", "el10")


@dataclass(frozen=True)
class Outlet:
    """Where a source's packages are published, and how they are called there."""

    dress: str
    repository: str
    module: Optional[str] = None
    renamed: Mapping[str, str] = field(default_factory=dict)

    def name(self, package: str) -> str:
        """Return what a package of the source is called here."""
        first, dash, rest = package.partition("-")
        return f"{self.renamed.get(first, first)}{dash}{rest}"


@dataclass(frozen=True)
class Package:
    """One RPM as ``source.schema.json`` describes it."""

    name: str
    summary: str
    files: Sequence[str] = ()
    config: Sequence[str] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    ghost: Sequence[str] = ()
    requires: Sequence[str] = ()
    provides: Sequence[str] = ()
    conflicts: Sequence[str] = ()
    groups: Mapping[str, int] = field(default_factory=dict)
    users: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    units: Sequence[str] = ()
    post: str = ""


@dataclass(frozen=True)
class Source:
    """A group of Debian packages of one suite, or files of our own, and the RPMs made of them."""

    name: str
    outlets: Tuple[Outlet, ...]
    packages: Tuple[Package, ...]
    like: str = ""
    suite: str = ""
    version_of: str = ""
    debian: Sequence[str] = ()
    version: str = ""
    own_c_library: bool = False
    move: Mapping[str, str] = field(default_factory=dict)
    replace: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    folders: Sequence[str] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    remove: Sequence[str] = ()

    @property
    def files(self) -> Path:
        """The folder of the files that are ours: configuration and units as Enterprise Linux has them."""
        return FILES / (self.like or self.name)

    def key(self, outlet: Outlet) -> str:
        """Return 16 hexadecimal digits that change with anything the packages of an outlet are made from.

        What Debian offers is not part of it: packages are made anew only when their description changes.
        """
        digest = hashlib.sha256(f"{content_key()}\0{sorted(outlet.renamed.items())}\0".encode())
        own = sorted(path for path in self.files.rglob("*") if path.is_file())
        described = [SOURCES / f"{name}.yml" for name in (self.name, self.like) if name]
        for path in [*described, *own, *_code()]:
            digest.update(f"{path.relative_to(HERE)}\0{path.stat().st_mode}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]


@functools.cache
def sources() -> Tuple[Source, ...]:
    """Return all sources by name; raises jsonschema's ValidationError if one is malformed."""
    return tuple(_read(path) for path in sorted(SOURCES.glob("*.yml")))


def published(dress: str) -> Iterator[Tuple[Source, Outlet]]:
    """Yield what belongs to the repositories of a dress."""
    for source in sources():
        yield from ((source, outlet) for outlet in source.outlets if outlet.dress == dress)


def _read(path: Path) -> Source:
    data = yaml.safe_load(path.read_text())
    if "like" in data:
        data = {**yaml.safe_load((SOURCES / f"{data['like']}.yml").read_text()), **data}
    jsonschema.validate(data, json.loads((HERE / "source.schema.json").read_text()))
    outlets = tuple(Outlet(**outlet) for outlet in data.pop("outlets"))
    packages = tuple(Package(name, **package) for name, package in data.pop("packages").items())
    return Source(name=path.stem, outlets=outlets, packages=packages, **data)


def _code() -> Iterator[Path]:
    for name in ("debian.py", "libraries.py", "tree.py", "spec.py", "source.spec.j2", "build.py"):
        yield HERE / name
