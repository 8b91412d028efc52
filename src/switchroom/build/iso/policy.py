"""What never meets: the lab's stand-ins and a real base, and an output and a file that exists."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from switchroom.build.iso.base import Base
from switchroom.build.repo.metadata import RepoPackage
from switchroom.catalog.model import Series, SeriesType
from switchroom.core.errors import ExitCode, SwitchroomError


def check_series(base: Base, series: Sequence[Series]) -> None:
    """Raise SwitchroomError (refused) for a fixture of the lab on a real base."""
    fixtures = [one.key for one in series if one.type is SeriesType.FIXTURE]
    if fixtures and not base.lab:
        raise SwitchroomError(
            f"The series '{fixtures[0]}' is a fixture of the lab and never goes onto a real base.",
            hint="Leave it out, or build on '--base lab'.",
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


def check_absent(outputs: Sequence[Path], force: bool) -> None:
    """Raise SwitchroomError (refused) when an output exists, unless ``force`` says to replace it."""
    existing = [path for path in outputs if path.exists()]
    if existing and not force:
        raise SwitchroomError(
            f"The output '{existing[0]}' exists.",
            hint="Give another name with --out, or replace it with --force.",
            code=ExitCode.REFUSED,
        )
