"""Makes the lab base once and keeps it: a Debian root with the real dnf and rpm, dressed as Rocky 9."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Optional

from lab.dressing import dress
from lab.recipe import Recipe, content_key, load_recipe
from lab.stub import install_stub
from switchroom.build.debian.origin import find_origin
from switchroom.build.workspace import cache_dir
from switchroom.core import lock, process
from switchroom.core.files import staging
from switchroom.core.progress import Reporter

_BUILD_SECONDS = 1800.0


def ensure_base(reporter: Optional[Reporter] = None) -> Path:
    """Return the folder of the lab base, made first if this machine does not have it yet (two minutes).

    Needs root, debootstrap and the machine's own Debian mirror. Nobody may write to the folder: work on
    a ``scratch_root``. Callers at the same time share one build, and an interrupted one leaves nothing.
    """
    return ensure(load_recipe(), cache_dir("lab") / f"base-{content_key()}", "the lab base", reporter)


def ensure(recipe: Recipe, base: Path, what: str, reporter: Optional[Reporter] = None) -> Path:
    """Return the folder ``base``, made first by a recipe if it is not there; see ``ensure_base``."""
    if base.is_dir():
        return base
    with lock.exclusive(base.parent / ".lock", what=what, wait=_BUILD_SECONDS):
        if not base.is_dir():
            with (reporter or Reporter()).step(f"Making {what}"):
                _make(recipe, base)
    return base


def _make(recipe: Recipe, base: Path) -> None:
    for dead in base.parent.glob(".staging-*"):
        shutil.rmtree(dead)  # its builder was killed, or we would not hold the lock
    with staging(base.parent) as stage:
        root = stage / "root"
        _debootstrap(recipe, root, base.parent / "debootstrap.log")
        dress(root, recipe)
        install_stub(root, recipe, stage)
        os.sync()  # a power cut after the rename must not leave empty files under the final name
        root.rename(base)


def _debootstrap(recipe: Recipe, root: Path, log_file: Path) -> None:
    packages = ",".join(name for group in recipe.packages.values() for name in group)
    # In namespaces of its own, so that whatever it mounts or starts ends with it.
    contain = ["unshare", "--mount", "--pid", "--mount-proc", "--kill-child"]
    origin = find_origin()
    make = [
        "debootstrap",
        "--variant=minbase",
        f"--keyring={origin.keyring}",
        f"--cache-dir={cache_dir('lab', 'debs')}",
    ]
    process.require("debootstrap", "unshare")
    process.run(
        [*contain, *make, f"--include={packages}", recipe.suite, root, origin.uri],
        what=f"Making a root of Debian {recipe.suite}",
        env={"DPKG_FORCE": "unsafe-io", "LC_ALL": "C"},
        log_file=log_file,
    )
