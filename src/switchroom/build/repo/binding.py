"""What a repository's signed metadata are good for: one channel, one Enterprise Linux major, until a day.

Without it the signature on ``repomd.xml`` would vouch for any set that was ever signed, wherever a mirror
list leads. It stands in the content tags of ``repomd.xml``; boxes compare it (``box/dnf_child/binding.py``).
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Tuple

import createrepo_c as cr

from switchroom.core.errors import ExitCode, SwitchroomError

MEDIUM = "medium"  # in the place of a channel: on an installation medium, which has no end
VALID_DAYS = 30
RENEW_DAYS = 15  # with fewer days left, a renewal is due
SOON_DAYS = 7  # with fewer days left, people are told
_DEBUG_PART = "-debuginfo"
_CHANNEL, _EL, _UNTIL = "switchroom-channel", "switchroom-el", "switchroom-until"


@dataclass(frozen=True)
class Binding:
    """``channel`` is one, with ``-debuginfo`` behind it or not, or ``MEDIUM``; ``until`` is the last day."""

    channel: str
    el: int
    until: Optional[datetime.date] = None

    @property
    def tags(self) -> Tuple[str, ...]:
        """The content tags that say it."""
        end = [f"{_UNTIL}={self.until.isoformat()}"] if self.until else []
        return (f"{_CHANNEL}={self.channel}", f"{_EL}={self.el}", *end)

    @property
    def debug(self) -> Binding:
        """The same for the part for debuggers."""
        return Binding(self.channel + _DEBUG_PART, self.el, self.until)

    def days_left(self) -> int:
        """Return the days until its end, negative behind it; raises ValueError where it has none."""
        if self.until is None:
            raise ValueError(self)
        return (self.until - today()).days


def today() -> datetime.date:
    """Return the day, UTC."""
    return datetime.datetime.now(datetime.timezone.utc).date()


def default_until() -> datetime.date:
    """Return the last day of metadata that are written now."""
    return today() + datetime.timedelta(days=VALID_DAYS)


def check_until(until: datetime.date) -> datetime.date:
    """Return a last day that was asked for; raises SwitchroomError (usage) for one that has passed."""
    if until <= today():
        raise SwitchroomError(
            f"Metadata that are good until {until.isoformat()} would be good for nothing.",
            hint="Name a day to come, or none: then they are good for 30 days.",
            code=ExitCode.USAGE,
        )
    return until


def read(folder: Path) -> Optional[Binding]:
    """Return what a repository folder's metadata say; None where they do not, or cannot be read."""
    try:
        tags = cr.Repomd(str(folder / "repodata" / "repomd.xml")).content_tags
        said = dict(tag.partition("=")[::2] for tag in tags)
        end = said.get(_UNTIL)
        return Binding(said[_CHANNEL], int(said[_EL]), datetime.date.fromisoformat(end) if end else None)
    except (OSError, cr.CreaterepoCError, KeyError, ValueError):
        return None
