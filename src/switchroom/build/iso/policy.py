"""What never meets: the lab's stand-ins and a real base, and an output and a file that exists."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Iterator, Sequence

from switchroom.build.iso.base import Base
from switchroom.build.keys import SigningKey
from switchroom.build.repo.metadata import RepoPackage
from switchroom.catalog.model import Series, SeriesType
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import fsync_dir, staging, syncfs


def check_series(base: Base, series: Sequence[Series]) -> None:
    """Raise SwitchroomError (refused) for a fixture of the lab on a real base."""
    fixtures = [one.key for one in series if one.type is SeriesType.FIXTURE]
    if fixtures and not base.lab:
        raise SwitchroomError(
            f"The series '{fixtures[0]}' is a fixture of the lab and never goes onto a real base.",
            hint="Leave it out, or build on '--base lab'.",
            code=ExitCode.REFUSED,
        )


def check_key(base: Base, key: SigningKey) -> None:
    """Raise SwitchroomError (refused) for a real base and the key that nobody should trust."""
    if key.development and not base.lab:
        raise SwitchroomError(
            "Nothing that the development key signs goes onto a real base.",
            hint="Name the release key with --key FINGERPRINT, or build on '--base lab'.",
            code=ExitCode.REFUSED,
        )


def check_packages(base: Base, packages: Sequence[RepoPackage]) -> None:
    """Raise SwitchroomError (refused) for packages on a real base that no EL host built."""
    lab = sorted(one.nevra for one in packages if one.evr.release.endswith(".lab"))
    if lab and not base.lab:
        raise SwitchroomError(
            f"{len(lab)} packages were built on a host that is not Enterprise Linux ('.lab'); a real base"
            " does not take them.",
            cause="\n".join(lab[:10]),
            hint="Build them on an Enterprise Linux host or with: switchroom build packages --builder mock",
            code=ExitCode.REFUSED,
        )


@contextlib.contextmanager
def claimed(out: Path, beside: Sequence[Path], force: bool) -> Iterator[Path]:
    """Give a scratch folder beside ``out`` to the one build of it and of the files ``beside`` it.

    Raises SwitchroomError (refused) when one of them exists, unless ``force`` says to replace it, and while
    another process builds ``out``.
    """
    _check_absent((out, *beside), force)
    with staging(out.parent, prefix=f".{out.name}.", alone=f"'{out}'") as folder:
        _check_absent((out, *beside), force)  # what another build finished meanwhile
        yield folder


def place(made: Sequence[Path], folder: Path, force: bool) -> None:
    """Move files, the most important one last, to ``folder`` when all their bytes are on the disk."""
    final = [folder / path.name for path in made]
    _check_absent(final, force)
    syncfs(made[0].parent)  # a power cut after a rename must not leave a file without its content
    for path, place in zip(made, final):
        path.replace(place)
    fsync_dir(folder)


def _check_absent(outputs: Sequence[Path], force: bool) -> None:
    """Raise SwitchroomError (refused) when an output exists, unless ``force`` says to replace it."""
    for path in outputs:
        if path.is_dir():
            raise SwitchroomError(
                f"The output '{path}' is a folder.", hint="Name a file with --out.", code=ExitCode.USAGE
            )
    existing = [path for path in outputs if path.exists()]
    if existing and not force:
        raise SwitchroomError(
            f"The output '{existing[0]}' exists.",
            hint="Give another name with --out, or replace it with --force.",
            code=ExitCode.REFUSED,
        )
