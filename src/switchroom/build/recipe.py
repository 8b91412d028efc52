"""One spec with all it is built from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, Tuple

from switchroom.build import macros
from switchroom.build.lookaside import Lookaside
from switchroom.catalog.model import Source
from switchroom.core import process
from switchroom.core.errors import SwitchroomError

_SOURCE = re.compile(r"^(?:Source|Patch)\d*:\s*(\S+)\s*$", re.MULTILINE | re.IGNORECASE)
_REQUIRES = re.compile(r"^BuildRequires:\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE)
_DEPENDENCY = re.compile(r"([^\s,]+)(?:\s*[<>=]+\s*[^\s,]+)?")


@dataclass(frozen=True)
class Recipe:
    """A spec and what the build passes to it: macros, known sources, and files ``given`` by name.

    ``check`` is given the files by name before a build; it raises SwitchroomError when they do not fit.
    """

    name: str
    spec: Path
    defines: Mapping[str, str] = field(default_factory=dict)
    sources: Tuple[Source, ...] = ()
    given: Mapping[str, Path] = field(default_factory=dict)
    check: Callable[[Mapping[str, Path]], None] = field(default=lambda _files: None, compare=False)


@dataclass(frozen=True)
class Inputs:
    """A recipe read by rpm: the files it takes, by name, and its BuildRequires without versions."""

    recipe: Recipe
    files: Mapping[str, Path]
    build_requires: Tuple[str, ...]


def read(recipe: Recipe, lookaside: Lookaside) -> Inputs:
    """Let rpm expand the spec and find each file it names.

    A file is given by the recipe, else lies in the folder named like the spec, else comes from the lookaside.
    """
    options = [*macros.load_options(recipe.spec.parent), *macros.define_options(recipe.defines)]
    what = f"Reading the spec of '{recipe.name}'"
    text = process.output(["rpmspec", "-P", *options, recipe.spec], what=what, env={"LC_ALL": "C.UTF-8"})
    files = dict(_files(recipe, _SOURCE.findall(text), lookaside))
    wanted = [match for line in _REQUIRES.findall(text) for match in _DEPENDENCY.findall(line)]
    return Inputs(recipe, files, tuple(sorted(set(wanted))))


def _files(recipe: Recipe, addresses: List[str], lookaside: Lookaside) -> Iterator[Tuple[str, Path]]:
    known: Dict[str, Source] = {source.name: source for source in recipe.sources}
    for address in addresses:
        name = address.rpartition("/")[2]
        beside = recipe.spec.with_suffix("") / name
        if name in recipe.given:
            yield name, recipe.given[name]
        elif beside.is_file():
            yield name, beside
        elif name in known or "://" in address:
            yield name, lookaside.obtain(known.get(name) or Source(name, address))
        else:
            raise SwitchroomError(
                f"The spec '{recipe.spec.name}' names the file '{name}', which is nowhere to be found.",
                hint=f"Put it beside the spec, as '{beside}'.",
            )
