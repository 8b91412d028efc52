"""Promotion: an exact set goes from testing to stable, through a gate."""

from __future__ import annotations

import contextlib
import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence, Tuple

from switchroom.build.keys import SigningKey
from switchroom.build.repo import chronicle, layout, records
from switchroom.build.repo import incoming as inbox
from switchroom.build.repo.base import load_base
from switchroom.build.repo.binding import Binding
from switchroom.build.repo.closure import Capabilities, check_closure
from switchroom.build.repo.gate import Gate
from switchroom.build.repo.generation import write_generation
from switchroom.build.repo.keyring import trusted_keys
from switchroom.build.repo.layout import MAJORS, STABLE, TESTING, Channel, open_repo
from switchroom.build.repo.metadata import RepoPackage, in_order, without
from switchroom.build.repo.publish import Published, prepared_generation
from switchroom.build.repo.select import select
from switchroom.build.signatures import Verdict, Verifier, verifier
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.progress import Reporter


def promote(
    root: Path,
    names: Optional[Sequence[str]],
    *,
    key: SigningKey,
    epoch: int,
    reporter: Reporter,
    el: int = MAJORS[0],
    base_repos: Sequence[str] = (),
    retention: float = layout.RETENTION_SECONDS,
    force: Optional[str] = None,
    until: Optional[datetime.date] = None,
    dry_run: bool = False,
) -> Published:
    """Add packages of testing (``names``: names or NEVRAs, None for all) to stable in one step.

    The gate: each package is intact and signed by the repository's key, it was in testing and was tested as
    the policy asks, and stable closes afterwards: what ours require of ours is in stable, and the rest is in
    ``base_repos`` (``ID=FOLDER`` or ``ID=URL``) or, with none given, reported as left to the base system.
    The debug packages of a build go with it, whatever the policy says of them.
    ``force`` is a reason to pass over the policy, which is recorded; signatures and closure stay. Raises
    SwitchroomError (code REFUSED), with nothing changed, when the gate stays shut. Testing keeps what was
    promoted.
    """
    source, target = open_repo(root, TESTING, el), open_repo(root, STABLE, el)
    bases, bound = [load_base(spec) for spec in base_repos], target.binding(until)
    with contextlib.nullcontext() if dry_run else layout.writer_lock(root):
        judged = _judge(source, target, names, key=key, force=force, bases=bases)
        if not dry_run:
            with (
                reporter.step(f"Promoting {len(judged.moved)} packages to '{STABLE}'"),
                prepared_generation(target, retention) as scratch,
            ):
                _put_in_force(target, judged, scratch, bound, key=key, epoch=epoch, force=force)
        return Published(
            channel=STABLE,
            generation=target.current.name if target.current else "",
            added=tuple(package.file_name for package in judged.moved),
            unchanged=judged.unchanged,
            left_to_base=judged.left_to_base,
            passed_over=judged.obstacles,
            remarks=judged.remarks,
            dry_run=dry_run,
        )


@dataclass(frozen=True)
class _Judged:
    kept: Tuple[RepoPackage, ...]
    moved: Tuple[RepoPackage, ...]
    unchanged: Tuple[str, ...]
    obstacles: Tuple[str, ...]
    left_to_base: Tuple[str, ...]
    remarks: Tuple[str, ...]
    keys: bytes


def _judge(
    source: Channel,
    target: Channel,
    names: Optional[Sequence[str]],
    *,
    key: SigningKey,
    force: Optional[str],
    bases: Sequence[Capabilities],
) -> _Judged:
    """Choose the packages and hold them against the gate."""
    tested, kept = source.all_packages(), target.all_packages()
    chosen = tested if names is None else _with_debug(select(tested, names, where=TESTING), tested)
    moved = without(chosen, kept)
    key.refuse_for_boxes({package.nevra: package.evr.release for package in moved})
    keys = trusted_keys(source.root, key)
    with verifier(keys) as trusted:
        _check_signatures(moved, trusted)
        known = records.examine(source.root, trusted)
        remarks = (*known.remarks(), *trusted.remarks)
    run = [package for package in moved if not package.is_debug]
    obstacles = _check_policy(Gate(source, known), run, force)
    left = _check_closed((*kept, *moved), Capabilities((*tested, *kept)), bases)
    unchanged = tuple(package.file_name for package in without(chosen, moved))
    return _Judged(kept, moved, unchanged, obstacles, left, remarks, keys)


def _with_debug(chosen: Sequence[RepoPackage], tested: Sequence[RepoPackage]) -> Tuple[RepoPackage, ...]:
    """Add what debuggers need to read a crash of the packages chosen."""
    builds = {package.source for package in chosen}
    debug = (package for package in tested if package.is_debug and package.source in builds)
    return in_order({package.file_name: package for package in (*chosen, *debug)}.values())


def _put_in_force(
    target: Channel,
    judged: _Judged,
    scratch: Path,
    bound: Binding,
    *,
    key: SigningKey,
    epoch: int,
    force: Optional[str],
) -> None:
    if not judged.moved:
        return
    together = (*judged.kept, *judged.moved)
    target.commit(write_generation(scratch / "generation", together, key, epoch, bound))
    detail = {"forced": force, "passed_over": judged.obstacles}
    chronicle.note(target, records.PROMOTED, judged.moved, key=key, keys=judged.keys, **detail)


def _check_policy(gate: Gate, packages: Sequence[RepoPackage], force: Optional[str]) -> Tuple[str, ...]:
    standings = [gate.standing(package) for package in packages]
    obstacles = tuple(f"{each.package.nevra}: {why}" for each in standings for why in each.obstacles)
    if obstacles and not force:
        raise SwitchroomError(
            "The gate's policy does not let these packages pass yet.",
            cause="\n".join(obstacles),
            hint="Wait, or record the tests (switchroom repo record). --force REASON passes over it.",
            code=ExitCode.REFUSED,
        )
    return obstacles


def _check_signatures(packages: Sequence[RepoPackage], trusted: Verifier) -> None:
    verdicts = trusted.rpms([package.path for package in packages])
    bad = {path: verdict for path, verdict in verdicts.items() if verdict is not Verdict.SIGNED}
    if bad:
        raise inbox.refusal("These packages cannot be promoted.", bad)


def _check_closed(
    packages: Sequence[RepoPackage], ours: Capabilities, bases: Sequence[Capabilities]
) -> Tuple[str, ...]:
    closure = check_closure(packages, ours, bases)
    if closure.broken:
        raise SwitchroomError(
            f"The channel '{STABLE}' would not close: nothing was promoted.",
            cause="\n".join(closure.broken),
            hint="Publish and promote what provides these too; the base system's part comes by --base-repo.",
            code=ExitCode.REFUSED,
        )
    return tuple(closure.left_to_base)
