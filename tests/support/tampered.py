"""A repository in which somebody exchanged a package, in metadata that was made to fit and signed."""

from __future__ import annotations

import shutil
from pathlib import Path

from switchroom.build import repo
from switchroom.build.keys import SigningKey
from switchroom.build.repo import binding
from switchroom.build.repo.metadata import read_rpm, write_repodata


def generation(root: Path, channel: str = "stable") -> Path:
    """Return the folder of what a channel offers now."""
    found = repo.open_repo(root, channel).current
    assert found
    return found


def exchange(folder: Path, made: Path, key: SigningKey, epoch: int) -> None:
    """Put the file ``made`` in the place of the package of its name in a generation, which ``key`` signs."""
    rpm = folder / "packages" / made.name
    bound = binding.read(folder)
    assert bound
    rpm.unlink()
    shutil.copy(made, rpm)
    shutil.rmtree(folder / "repodata")
    packages = [read_rpm(path) for path in (folder / "packages").iterdir()]
    key.detach_sign(write_repodata(folder, packages, epoch, bound.tags), epoch)
