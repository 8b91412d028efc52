"""Rolling a channel back: the set of an earlier generation is in force again, as a new generation."""

from __future__ import annotations

import contextlib
import datetime
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, Optional, Tuple

from switchroom.build.keys import SigningKey
from switchroom.build.repo import chronicle, layout, records
from switchroom.build.repo.generation import write_generation
from switchroom.build.repo.keyring import trusted_keys
from switchroom.build.repo.layout import MAJORS, Channel, open_repo
from switchroom.build.repo.metadata import RepoPackage, read_files, read_generation, without
from switchroom.build.repo.publish import prepared_generation
from switchroom.build.repo.verify import check_whole
from switchroom.build.signatures import verifier
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.progress import Reporter


@dataclass(frozen=True)
class RolledBack:
    """What a rollback did, or would do: NEVRA file names that left the channel and that came back."""

    channel: str
    generation: str
    restored: str
    removed: Tuple[str, ...]
    returned: Tuple[str, ...]
    dry_run: bool

    def as_dict(self) -> Dict[str, object]:
        """Return it as JSON."""
        return asdict(self)


def rollback(
    root: Path,
    channel: str,
    *,
    key: SigningKey,
    epoch: int,
    reporter: Reporter,
    el: int = MAJORS[0],
    to: Optional[int] = None,
    reason: str = "",
    until: Optional[datetime.date] = None,
    dry_run: bool = False,
) -> RolledBack:
    """Put the set of an earlier generation (``to``; default: the one before it) in force, in one step.

    Numbers go on rising, so readers and copies of the repository never go back. Raises SwitchroomError,
    with nothing changed, when that generation is gone (USAGE) or is not whole (REFUSED).
    """
    target = open_repo(root, channel, el)
    bound = target.binding(until)
    with contextlib.nullcontext() if dry_run else layout.writer_lock(root):
        number = _choose(target, to)
        keys = trusted_keys(root, key)
        with verifier(keys) as trusted:
            check_whole(target.generation(number), trusted, "Go back to another one: --to NUMBER")
        now, then = _left(target), read_generation(target.generation(number))
        removed, returned = without(now, then), without(then, now)
        if not dry_run:
            with (
                reporter.step(f"Rolling '{channel}' back to generation {number:04d}"),
                prepared_generation(target, layout.RETENTION_SECONDS) as scratch,
            ):
                target.commit(write_generation(scratch / "generation", then, key, epoch, bound))
            detail = {"reason": reason, "restored": f"{number:04d}"}
            chronicle.note(target, records.ROLLED_BACK, removed, key=key, keys=keys, **detail)
        return RolledBack(
            channel=channel,
            generation=target.current.name if target.current else "",
            restored=f"{number:04d}",
            removed=tuple(package.file_name for package in removed),
            returned=tuple(package.file_name for package in returned),
            dry_run=dry_run,
        )


def _left(target: Channel) -> Tuple[RepoPackage, ...]:
    """Return the set that is left, by its files where its metadata cannot be read: nothing hangs on it."""
    try:
        return target.all_packages()
    except SwitchroomError:
        return read_files(target.current) if target.current else ()


def _choose(target: Channel, to: Optional[int]) -> int:
    in_force = int(target.current.name) if target.current else 0
    earlier = [number for number in target.numbers() if number < in_force]
    if not earlier or (to is not None and to not in earlier):
        wanted = f"generation {to:04d}" if to is not None else "earlier generation"
        there = ", ".join(f"{number:04d}" for number in earlier) or "none"
        raise SwitchroomError(
            f"The channel '{target.name}' has no {wanted} to go back to.",
            hint=f"Earlier ones on disk: {there}. 'switchroom repo status' shows them.",
            code=ExitCode.USAGE,
        )
    # A renewal holds what is left as well.
    others = [number for number in earlier if target.holds(number) != target.holds(in_force)]
    return to if to is not None else (others or earlier)[-1]
