"""The stub package ``lab-base``: tells rpm what the base, which no RPM made, really has."""

from __future__ import annotations

import os
from pathlib import Path
from string import Template
from typing import Iterator

from lab.recipe import HERE, STUB_SPEC, Recipe
from switchroom.core import process
from switchroom.core.errors import SwitchroomError

# Debian's rpm keeps its database in the caller's home folder, unless this home's macros say otherwise.
RPM_HOME = {"HOME": str(HERE / "rpm-home")}

_ELFDEPS = "/usr/lib/rpm/elfdeps"  # what rpmbuild itself asks for the provides of a library


def install_stub(root: Path, recipe: Recipe, work: Path) -> None:
    """Build ``lab-base`` from what ``root`` holds, in the folder ``work``, and install it there."""
    spec = work / "lab-base.spec"
    provides = [*_libraries(root), *_programs(root, recipe), *recipe.provides["capabilities"]]
    lines = "\n".join(f"Provides: {name}" for name in provides)
    spec.write_text(Template(STUB_SPEC.read_text()).substitute(release=recipe.release, provides=lines))
    topdir = work / "rpmbuild"
    process.run(
        ["rpmbuild", "-bb", "--define", f"_topdir {topdir}", spec],
        what="Building the stub package 'lab-base'",
        env=RPM_HOME,
    )
    (package,) = topdir.glob("RPMS/*/lab-base-*.rpm")
    process.run(["rpm", "--root", root, "--install", package], env=RPM_HOME)


def _libraries(root: Path) -> list[str]:
    files = "".join(f"{path}\n" for path in sorted(_shared_objects(root)))
    found = process.run([_ELFDEPS, "--provides"], stdin=files.encode()).stdout.decode()
    return sorted(set(found.split("\n")) - {""})


def _shared_objects(root: Path) -> Iterator[Path]:
    for pattern in ("*.so", "*.so.*"):
        for path in (root / "usr" / "lib").rglob(pattern):
            if path.is_file() and not path.is_symlink():
                yield path


def _programs(root: Path, recipe: Recipe) -> list[str]:
    """Return the paths that the recipe promises; a missing one would let dnf install what cannot run."""
    names = recipe.provides["files"]
    missing = [name for name in names if not os.path.lexists(root / name.lstrip("/"))]
    if missing:
        raise SwitchroomError(
            f"The lab base lacks what its recipe says it provides: {', '.join(missing)}.",
            hint="Add the Debian package that brings it to molecule/lab/recipe.yml, or drop the path.",
        )
    return names
