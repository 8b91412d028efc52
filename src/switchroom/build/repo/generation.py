"""Makes whole signed repository folders out of packages, bit for bit the same each time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Sequence

from switchroom.build.keys import SigningKey
from switchroom.build.repo.binding import Binding
from switchroom.build.repo.metadata import (
    DEBUG,
    PACKAGES,
    RepoPackage,
    read_repository,
    record_paths,
    write_repodata,
)
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import sha256

_FOLDER_MODE, _FILE_MODE = 0o755, 0o644


def write_generation(
    folder: Path, packages: Sequence[RepoPackage], key: SigningKey, epoch: int, binding: Binding
) -> Path:
    """Fill ``folder`` (made here) with a repository of packages, and one of those for debuggers inside it.

    So both come into force by one rename. The second one is there even when it holds nothing: then a box
    that asks for it gets an answer.
    """
    write_repository(folder, [package for package in packages if not package.is_debug], key, epoch, binding)
    debug = [package for package in packages if package.is_debug]
    write_repository(folder / DEBUG, debug, key, epoch, binding.debug)
    return folder


def write_repository(
    folder: Path, packages: Sequence[RepoPackage], key: SigningKey, epoch: int, binding: Binding
) -> Path:
    """Fill ``folder`` (made here) with packages, metadata and its signature, dated ``epoch``.

    Packages are hard links of their files where the file system allows, else copies. All of it is read back:
    raises SwitchroomError where readers would not find just these packages.
    """
    (folder / PACKAGES).mkdir(parents=True)
    for package in packages:
        link_or_copy(package.path, folder / PACKAGES / package.file_name)
    repomd = write_repodata(folder, packages, epoch, binding.tags)
    key.detach_sign(repomd, epoch)
    _read_back(folder, packages)
    for path in (folder / "repodata").iterdir():
        os.utime(path, (epoch, epoch))
        path.chmod(_FILE_MODE)
    for place in (folder, folder / PACKAGES, folder / "repodata"):
        place.chmod(_FOLDER_MODE)
    return folder


def _read_back(folder: Path, packages: Sequence[RepoPackage]) -> None:
    """Raise SwitchroomError unless a repository that was just written can be read, and is what was meant."""
    torn = [path.name for path, checksum in record_paths(folder).values() if sha256(path) != checksum]
    found = {package.file_name: package.sha256 for package in read_repository(folder)}
    if torn or found != {package.file_name: package.sha256 for package in packages}:
        raise SwitchroomError(
            f"The repository that was written to '{folder}' is not what was meant; nothing was changed.",
            cause=f"Not as they were written: {', '.join(torn)}" if torn else "It names other packages.",
            hint="Check the disk, then run the same command again.",
        )


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it (with its date) to another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
