"""The packages of one image, laid out as an installation medium has them: only those that it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, List, Mapping, Sequence, Tuple

import createrepo_c as cr

from switchroom.build.iso import content, policy, xorriso
from switchroom.build.iso.base import Base, check_unchanged
from switchroom.build.iso.closure import MEDIUM, OURS, folders, taken, unpack_metadata, urls
from switchroom.build.iso.foreign import Foreign, vouched
from switchroom.build.keys import SigningKey
from switchroom.build.kickstart.packages import Chosen, Request, refused, solve
from switchroom.build.repo.export import export_media
from switchroom.build.repo.keyring import trusted_keys
from switchroom.core.process import Arg, run

_HINT = (
    "Take another base, correct 'kickstart/defaults.yml', or name a repository that has it: --repo ID=PATH"
)


@dataclass(frozen=True)
class Supply:
    """Where packages come from: a channel of our repository, the base, and named folders."""

    base: Base
    repo_root: Path
    channel: str
    key: SigningKey
    epoch: int
    warn: Callable[[str], None]
    extra: Mapping[str, Foreign] = field(default_factory=dict)


@dataclass(frozen=True)
class Laid:
    """A medium in ``folder``; ``parts`` are the base's repositories on it, ``keys`` what signed them."""

    folder: Path
    parts: Tuple[str, ...]
    keys: Tuple[Path, ...]


def lay_out(supply: Supply, request: Request, names: Sequence[str], folder: Path, scratch: Path) -> Laid:
    """Resolve what a system needs and lay it out in the new ``folder``; ``names`` are those of our packages.

    Raises SwitchroomError (refused) for what nothing provides. ``scratch`` is a folder for dnf.
    """
    ours, key, el = folder / content.REPOSITORY, supply.key, int(supply.base.major)
    ours.parent.mkdir(parents=True)
    wanted = content.needed(supply.repo_root, supply.channel, names, el=el)
    packages = export_media(
        supply.repo_root, supply.channel, ours, key=key, epoch=supply.epoch, el=el, names=wanted
    )
    policy.check_packages(supply.base, packages)
    metadata = unpack_metadata(supply.base, scratch)
    places = {OURS: ours, **folders(supply.extra), **{MEDIUM + name: at for name, at in metadata.items()}}
    solved = solve(urls(places), request.everything, el, scratch)
    if solved.missing:
        raise refused(solved.missing, request, _HINT)
    added = taken(supply.extra, solved.chosen)
    if added:
        copies, dated = scratch / "foreign", supply.epoch
        more = vouched(supply.extra, added, copies, key=key, epoch=dated, warn=supply.warn)
        content.add_packages(ours, packages, more, key, dated)
    (folder / content.KEY).write_bytes(trusted_keys(supply.repo_root, key))
    laid = Laid(folder, _from_base(supply.base, metadata, solved.chosen, folder), _keys(supply.base, folder))
    check_unchanged(supply.base)
    return laid


def _from_base(
    base: Base, metadata: Mapping[str, Path], chosen: Sequence[Chosen], folder: Path
) -> Tuple[str, ...]:
    wanted = {name: [one.location for one in chosen if one.repo == MEDIUM + name] for name in metadata}
    places = {f"{name}/{place}": folder / name / place for name, found in wanted.items() for place in found}
    xorriso.extract(base.path, places)
    parts = [name for name, found in wanted.items() if found]
    for name in parts:
        _describe(folder / name, metadata[name])
    return tuple(parts)


def _describe(folder: Path, original: Path) -> None:
    """Write metadata of the packages that are there, with the groups of the original."""
    words: List[Arg] = ["createrepo_c", "--quiet", folder]
    groups = [one for one in cr.Repomd(str(original / "repodata/repomd.xml")).records if one.type == "group"]
    words += [f"--groupfile={original / one.location_href}" for one in groups]
    run(words, what="Describing the packages of the base")


def _keys(base: Base, folder: Path) -> Tuple[Path, ...]:
    """Copy the keys that the base's publisher signs with; those of its test packages are left behind."""
    names = [name for name in base.files if name.startswith("RPM-GPG-KEY-") and "test" not in name.lower()]
    xorriso.extract(base.path, {name: folder / name for name in names})
    return tuple(sorted(folder / name for name in names))
