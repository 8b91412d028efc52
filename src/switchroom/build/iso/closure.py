"""Whether an installation from a medium is possible: every package it needs, resolved by dnf."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Tuple

from switchroom.build.iso import xorriso
from switchroom.build.iso.base import Base
from switchroom.build.iso.fetch import is_url
from switchroom.build.iso.foreign import Foreign
from switchroom.build.kickstart.packages import Chosen, Request, Solved, refused, solve
from switchroom.core.errors import ExitCode, SwitchroomError

# No id that a person gives has a colon.
OURS = "switchroom:"
MEDIUM = "medium:"
SOURCE = "install:source"  # where the system comes from if not from the medium
_NO_PACKAGES = "all packages of the system: the base has no repository"
_HINT = (
    "Correct a wrong name in 'kickstart/defaults.yml', or name a repository that has it: --repo ID=PATH to"
    " copy from it, --network-repo ID=URL for one that the installation reaches."
)


@dataclass(frozen=True)
class Repositories:
    """Repositories by id: the ``local`` ones to copy from, the URLs of those that the installation reaches.

    ``source`` is the URL of the one that a base without packages takes the system from.
    """

    local: Mapping[str, Foreign] = field(default_factory=dict)
    network: Mapping[str, str] = field(default_factory=dict)
    source: str = ""

    @property
    def remote(self) -> Dict[str, str]:
        """All that the installation reaches, by id."""
        return {**({SOURCE: self.source} if self.source else {}), **self.network}


@dataclass(frozen=True)
class Closure:
    """``added`` are the packages to copy, by their repository's id, ``missing`` what the medium then lacks.

    ``reached`` are the repositories (id to address) that Anaconda itself needs for the system, beside the one
    it takes the system from.
    """

    added: Mapping[str, Sequence[Path]]
    missing: Tuple[str, ...]
    reached: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the medium alone is enough."""
        return not self.missing


def resolve(base: Base, ours: Path, named: Repositories, request: Request, scratch: Path) -> Closure:
    """Resolve a request against the medium, our repository and the named ones; only metadata is unpacked.

    Anaconda installs the system from the medium, dnf in %post the rest from all but the network's
    repositories where that is possible. ``scratch`` is a folder for dnf and, see :func:`unpack_metadata`, the
    base's metadata. Raises SwitchroomError (refused) for what none of them provides, and where there is
    nothing to resolve against.
    """
    _check_source(base, named)
    medium = urls({MEDIUM + name: path for name, path in unpack_metadata(base, scratch).items()})
    local = {**medium, **urls({OURS: ours, **folders(named.local)})}
    if medium:
        system = solve(medium, request.system, request.el, scratch)
        solved = _on_medium(base, solve(local, request.everything, request.el, scratch))
    else:
        system = solved = Solved((), (_NO_PACKAGES,))
    missing = {*system.missing, *solved.missing}
    if solved.missing and (named.remote or not medium):
        solved = solve({**local, **named.remote}, request.everything, request.el, scratch)
    if solved.missing:
        raise refused(solved.missing, request, _HINT)
    added = taken(named.local, solved.chosen)
    reached = {name: url for name, url in named.network.items() if system.missing and is_url(url)}
    return Closure(added, tuple(sorted(missing)), reached)


def folders(local: Mapping[str, Foreign]) -> Dict[str, Path]:
    """Return where local repositories are, by id."""
    return {name: one.folder for name, one in local.items()}


def taken(local: Mapping[str, Foreign], chosen: Sequence[Chosen]) -> Dict[str, List[Path]]:
    """Return the files of chosen packages that are to be copied from local repositories, by id."""
    found: Dict[str, List[Path]] = {}
    for one in sorted(chosen, key=lambda one: one.location):
        if one.repo in local:
            found.setdefault(one.repo, []).append(local[one.repo].folder / one.location)
    return found


def urls(places: Mapping[str, Path]) -> Dict[str, str]:
    """Return repositories as the solver takes them, from id and folder to id and URL."""
    return {name: folder.as_uri() for name, folder in places.items()}


def _on_medium(base: Base, solved: Solved) -> Solved:
    """Count as missing what the medium's metadata has, but the medium has not."""
    absent: List[str] = []
    for one in solved.chosen:
        folder = one.repo.removeprefix(MEDIUM)
        if folder != one.repo and f"{folder}/{one.location}" not in base.files:
            absent.append(f"{one.nevra} (in the metadata of '{folder}', but not on the medium)")
    return Solved(solved.chosen, (*solved.missing, *absent))


def _check_source(base: Base, named: Repositories) -> None:
    """Raise unless it is said where the system comes from: Anaconda goes to a public mirror else."""
    if not base.repositories and not named.source:
        raise SwitchroomError(
            f"The base '{base.path}' has no packages, and nothing says where an installation gets them from.",
            hint="Name the repository of the base system with --install-source URL, and others that are"
            " needed (AppStream, EPEL) with --network-repo ID=URL; or use a DVD.",
            code=ExitCode.REFUSED,
        )
    if base.repositories and named.source:
        raise SwitchroomError(
            f"The base '{base.path}' has packages of its own, from which an installation takes the system.",
            hint="Leave out --install-source; what the base lacks may come from a --network-repo.",
            code=ExitCode.USAGE,
        )


def unpack_metadata(base: Base, scratch: Path) -> Dict[str, Path]:
    """Copy the metadata of the base's repositories into ``scratch``: folder on the medium to folder there."""
    unpacked = {name: scratch / ("base-" + name.replace("/", "-")) for name in base.repositories}
    absent = {name: path for name, path in unpacked.items() if not path.exists()}
    xorriso.extract(base.path, {f"{name}/repodata": path / "repodata" for name, path in absent.items()})
    return unpacked
