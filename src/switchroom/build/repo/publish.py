"""Publishing: packages in, signed copies in the next generation out."""

from __future__ import annotations

import contextlib
import datetime
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, Iterator, Optional, Sequence, Tuple

from switchroom.build.keys import SigningKey
from switchroom.build.repo import chronicle, keyring, layout, records
from switchroom.build.repo import incoming as inbox
from switchroom.build.repo.binding import Binding
from switchroom.build.repo.generation import write_generation
from switchroom.build.repo.incoming import Incoming
from switchroom.build.repo.layout import MAJORS, TESTING, Channel, all_channels
from switchroom.build.repo.metadata import RepoPackage
from switchroom.build.signatures import verifier
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.progress import Reporter


@dataclass(frozen=True)
class Published:
    """What a publish or promote did (or, in a dry run, would do); names are NEVRA file names."""

    channel: str
    generation: str
    added: Tuple[str, ...]
    unchanged: Tuple[str, ...]
    left_to_base: Tuple[str, ...] = ()
    passed_over: Tuple[str, ...] = ()  # what the gate's policy had against them, where it was forced
    remarks: Tuple[str, ...] = ()
    dry_run: bool = False

    def as_dict(self) -> Dict[str, object]:
        """Return it as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Plan:
    keys: bytes  # those that count here
    kept: Tuple[RepoPackage, ...]  # already in the channel
    linked: Tuple[RepoPackage, ...]  # published in the other channel: the same file is used
    fresh: Tuple[Incoming, ...]
    unchanged: Tuple[str, ...]

    @property
    def added(self) -> Tuple[str, ...]:
        return tuple(sorted([p.file_name for p in self.linked] + [i.file_name for i in self.fresh]))


def publish(
    root: Path,
    inputs: Sequence[Path],
    *,
    key: SigningKey,
    epoch: int,
    reporter: Reporter,
    channel: str = TESTING,
    el: int = MAJORS[0],
    url: Optional[str] = None,
    retention: float = layout.RETENTION_SECONDS,
    until: Optional[datetime.date] = None,
    dry_run: bool = False,
) -> Published:
    """Add packages (files, or folders searched for them) to a channel of an EL major in one step for readers.

    Copies are signed, the inputs stay as they are; one signed by ``key`` already is taken as it is. ``url``
    is where readers find ``root``; it is remembered, and is the folder's file URL at first. ``until`` is the
    last day on which boxes take the metadata. Raises
    SwitchroomError (code REFUSED) for torn or foreign packages, and for a published name with new content.
    """
    if channel != TESTING:
        raise SwitchroomError(
            f"Packages are not published to '{channel}'.",
            hint=f"Publish to '{TESTING}', then: switchroom repo promote",
            code=ExitCode.REFUSED,
        )
    paths = inbox.find_rpms(inputs)
    target = Channel(root, channel, el)
    bound = target.binding(until)
    with contextlib.nullcontext() if dry_run else layout.writer_lock(root):
        plan = _plan(target, paths, key)
        if dry_run:
            return _result(target, plan, dry_run=True)
        layout.settle(root, plan.keys, url)
        keyring.refresh(root, plan.keys, key, epoch)
        with reporter.step(f"Publishing {len(plan.added)} packages to '{channel}'"), key.held() as held:
            _execute(target, plan, held, bound, epoch=epoch, retention=retention)
        return _result(target, plan, dry_run=False)


def _plan(target: Channel, paths: Sequence[Path], key: SigningKey) -> _Plan:
    keys = keyring.trusted_keys(target.root, key)
    with verifier(keys) as trusted:
        found = inbox.judge(paths, trusted)
    key.refuse_for_boxes({item.file_name: item.release for item in found})
    everywhere = _published(target.root)
    _refuse_changed(found, everywhere)
    kept = target.all_packages()
    here = {package.file_name for package in kept}
    return _Plan(
        keys=keys,
        kept=kept,
        linked=tuple(everywhere[i.file_name] for i in found if i.file_name in everywhere.keys() - here),
        fresh=tuple(item for item in found if item.file_name not in everywhere),
        unchanged=tuple(item.file_name for item in found if item.file_name in here),
    )


def _published(root: Path) -> Dict[str, RepoPackage]:
    everything = (package for channel in all_channels(root) for package in channel.all_packages())
    return {package.file_name: package for package in everything}


def _refuse_changed(found: Sequence[Incoming], published: Dict[str, RepoPackage]) -> None:
    known = [published[item.file_name] for item in found if item.file_name in published]
    before = inbox.contents([package.path for package in known]) if known else {}
    for item in found:
        if before.get(item.file_name, item.content) != item.content:
            raise inbox.clash(item.file_name, f"{item.path} differs from {published[item.file_name].path}")


def _execute(
    target: Channel, plan: _Plan, key: SigningKey, bound: Binding, *, epoch: int, retention: float
) -> None:
    with prepared_generation(target, retention) as scratch:
        if not plan.added and target.current:
            chronicle.mend(target.root, key, plan.keys)
            return
        signed = inbox.sign_copies(plan.fresh, scratch / "signed", key, epoch)
        packages = (*plan.kept, *plan.linked, *signed)
        folder = write_generation(scratch / "generation", packages, key, epoch, bound)
        for package in signed:
            package.path.unlink()  # the generation's name for it is the only one left: it gets flushed
        target.commit(folder)
        chronicle.note(target, records.PUBLISHED, (*plan.linked, *signed), key=key, keys=plan.keys)


@contextlib.contextmanager
def prepared_generation(target: Channel, retention: float) -> Iterator[Path]:
    """Give scratch space for the next generation; afterwards tidy the mirror list and the old ones."""
    with layout.prepared(target) as scratch:
        yield scratch
    target.announce()
    target.prune(retention)


def _result(target: Channel, plan: _Plan, *, dry_run: bool) -> Published:
    generation = target.current.name if target.current else ""
    return Published(target.name, generation, plan.added, plan.unchanged, dry_run=dry_run)
