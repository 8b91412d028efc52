"""Building packages: what was built before from the very same inputs is taken from the cache."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, ContextManager, Dict, List, Sequence, Tuple

from switchroom.build import macros, mock, rpmbuild, toolchain
from switchroom.build.digest import DigestMemo
from switchroom.build.lookaside import Lookaside
from switchroom.build.recipe import Inputs, Recipe, read
from switchroom.build.store import Store, key_of
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import sha256, staging
from switchroom.core.progress import Reporter


@dataclass(frozen=True)
class Outcome:
    """One recipe's packages, and whether they came out of the cache."""

    name: str
    key: str
    packages: Tuple[Path, ...]
    cached: bool


@dataclass(frozen=True)
class Builder:
    """How packages are built.

    ``build`` gives a recipe's packages and log, ``identity`` names the versions of all tools it uses.
    """

    build: Callable[[Inputs, rpmbuild.Tell], ContextManager[rpmbuild.Built]]
    identity: Callable[[Inputs], List[str]]


def local_builder(specs: Path, epoch: int, jobs: int) -> Builder:
    """Return the builder that runs rpmbuild on this machine."""
    return Builder(
        build=lambda inputs, tell: rpmbuild.build(inputs, epoch, jobs, tell),
        identity=lambda inputs: toolchain.fingerprint(specs, inputs.build_requires),
    )


def mock_builder(root: str, epoch: int, jobs: int) -> Builder:
    """Return the builder that runs mock with one of its chroots."""
    return Builder(
        build=lambda inputs, tell: mock.build(inputs, epoch, jobs, root, tell),
        identity=lambda _inputs: mock.identity(root),
    )


def read_all(recipes: Sequence[Recipe], lookaside: Lookaside) -> List[Inputs]:
    """Read every recipe and find its sources, so that what is missing is told before anything is built."""
    return [read(recipe, lookaside) for recipe in recipes]


class Workshop:
    """Builds recipes with one builder; ``epoch`` (seconds since 1970) is the date the builds pretend."""

    def __init__(self, builder: Builder, epoch: int, reporter: Reporter) -> None:
        self._builder, self._epoch, self._reporter = builder, epoch, reporter
        self._memo = DigestMemo()
        self._store = Store(self._memo)

    def check(self, inputs: Inputs) -> None:
        """Raise SwitchroomError for sources that do not fit together, unless they were built before."""
        facts = description(inputs, self._builder.identity(inputs), self._epoch, self._memo)
        if not self._store.find(key_of(facts)):
            inputs.recipe.check(inputs.files)

    def make(self, inputs: Inputs) -> Outcome:
        """Return a recipe's packages, built only if the cache has none from these very inputs."""
        name = inputs.recipe.name
        facts = description(inputs, self._builder.identity(inputs), self._epoch, self._memo)
        key = key_of(facts)
        cached = self._store.find(key)
        if cached:
            return Outcome(name, key, cached, cached=True)
        with self._store.building(key, f"the package '{name}'"):
            cached = self._store.find(key)  # another process may just have built it
            return Outcome(name, key, cached or self._build(inputs, key, facts), cached=bool(cached))

    def _build(self, inputs: Inputs, key: str, facts: Dict[str, Any]) -> Tuple[Path, ...]:
        name = inputs.recipe.name
        with self._reporter.step(f"Building {name}") as step, self._builder.build(inputs, step.note) as built:
            if not built.packages:
                raise SwitchroomError(
                    f"The spec of '{name}' made no package.", hint=f"See '{inputs.recipe.spec}'."
                )
            return self._store.add(key, built.packages, built.log, facts)


def description(inputs: Inputs, identity: Sequence[str], epoch: int, memo: DigestMemo) -> Dict[str, Any]:
    """Return everything that decides what the packages contain, for the cache key and the record."""
    recipe = inputs.recipe
    return {
        "spec": sha256(recipe.spec),
        "macros": {path.name: sha256(path) for path in macros.files(recipe.spec.parent)},
        "defines": dict(recipe.defines),
        "files": {name: memo.sha256(path) for name, path in inputs.files.items()},
        "modes": sorted(name for name, path in inputs.files.items() if os.access(path, os.X_OK)),
        "toolchain": list(identity),
        "epoch": epoch,
    }


def place(outcomes: Sequence[Outcome], out: Path, memo: DigestMemo) -> List[Path]:
    """Copy the packages into a folder, each whole or not at all; those already there are left alone."""
    out.mkdir(parents=True, exist_ok=True)
    placed = []
    with staging(out) as scratch:
        for package in (path for outcome in outcomes for path in outcome.packages):
            final = out / package.name
            if not final.exists() or memo.sha256(final) != memo.sha256(package):
                os.replace(shutil.copy2(package, scratch / package.name), final)
            placed.append(final)
    return placed
