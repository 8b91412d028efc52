"""Renewal: the sets in force are signed anew before boxes stop taking their metadata."""

from __future__ import annotations

import contextlib
import datetime
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, Optional

from switchroom.build.keys import SigningKey
from switchroom.build.repo import binding, chronicle, layout, records
from switchroom.build.repo.binding import RENEW_DAYS
from switchroom.build.repo.generation import write_generation
from switchroom.build.repo.keyring import trusted_keys
from switchroom.build.repo.layout import TESTING, Channel, all_channels, open_repo
from switchroom.build.repo.publish import prepared_generation
from switchroom.build.repo.verify import check_whole
from switchroom.build.signatures import verifier
from switchroom.core.progress import Reporter

_HINT = "Put it right, or go back: switchroom repo rollback"


@dataclass(frozen=True)
class Renewed:
    """What a renewal did, or would do: by channel (``stable/el9``) its last day now; the others had time."""

    renewed: Dict[str, str]
    unchanged: Dict[str, str]
    dry_run: bool

    def as_dict(self) -> Dict[str, object]:
        """Return it as JSON."""
        return asdict(self)


def renew(
    root: Path,
    *,
    key: SigningKey,
    epoch: int,
    reporter: Reporter,
    until: Optional[datetime.date] = None,
    everything: bool = False,
    dry_run: bool = False,
) -> Renewed:
    """Sign anew, as a new generation, what is in force in each channel that has few days left.

    With ``everything`` the others too. Raises SwitchroomError (REFUSED), with that channel unchanged, where
    what is in force is not whole: a renewal must not vouch for what somebody put there.
    """
    root = open_repo(root, TESTING).root
    with contextlib.nullcontext() if dry_run else layout.writer_lock(root):
        keys = trusted_keys(root, key)
        used = [channel for channel in all_channels(root) if channel.current]
        due = [channel for channel in used if everything or _is_due(channel)]
        for channel in due if not dry_run else ():
            with reporter.step(f"Renewing '{_name(channel)}'"), key.held() as held:
                _renew(channel, held, keys, epoch, until)
        unchanged = [channel for channel in used if channel not in due]
        last = {_name(channel): _last_day(channel) for channel in used}
        planned = {_name(channel): str(channel.binding(until).until) for channel in due}
        return Renewed(planned, {_name(one): last[_name(one)] for one in unchanged}, dry_run)


def _renew(
    channel: Channel, key: SigningKey, keys: bytes, epoch: int, until: Optional[datetime.date]
) -> None:
    with verifier(keys) as trusted:
        check_whole(
            channel.current or channel.folder, trusted, "Put it right, or go back: switchroom repo rollback"
        )
    bound = channel.binding(until)
    with prepared_generation(channel, layout.RETENTION_SECONDS) as scratch:
        packages = channel.all_packages()
        channel.commit(write_generation(scratch / "generation", packages, key, epoch, bound))
    chronicle.note(channel, records.RENEWED, (), key=key, keys=keys, until=str(bound.until))


def _is_due(channel: Channel) -> bool:
    said = binding.read(channel.current) if channel.current else None
    return said is None or said.until is None or said.days_left() < RENEW_DAYS


def _last_day(channel: Channel) -> str:
    said = binding.read(channel.current) if channel.current else None
    return str(said.until) if said and said.until else ""


def _name(channel: Channel) -> str:
    return f"{channel.name}/el{channel.el}"
