"""How well a release is supported on a given day, computed from its dates and never stored."""

from __future__ import annotations

import datetime
import enum
from typing import Optional

WARNING_DAYS = 180


class Status(enum.Enum):
    """Support of a release on one day."""

    UPCOMING = "upcoming"
    FULL = "full"
    SECURITY_ONLY = "security-only"
    END_OF_LIFE = "end-of-life"
    UNKNOWN = "unknown"
    FIXTURE = "fixture"

    @property
    def supported(self) -> bool:
        """Whether upstream still fixes at least security holes."""
        return self in (Status.FULL, Status.SECURITY_ONLY)


def status_on(
    day: datetime.date,
    released: Optional[datetime.date],
    security_only: Optional[datetime.date],
    end_of_life: Optional[datetime.date],
) -> Status:
    """Return the status on ``day``; each date is the first day of the state it begins.

    A missing release or end-of-life date gives UNKNOWN: nothing is promised that nobody has promised us.
    """
    if released is not None and day < released:
        return Status.UPCOMING
    if released is None or end_of_life is None:
        return Status.UNKNOWN
    if day >= end_of_life:
        return Status.END_OF_LIFE
    if security_only is not None and day >= security_only:
        return Status.SECURITY_ONLY
    return Status.FULL


def ends_soon(day: datetime.date, end_of_life: Optional[datetime.date]) -> bool:
    """Return whether support has not ended on ``day`` but ends within 180 days of it."""
    if end_of_life is None:
        return False
    return 0 < (end_of_life - day).days <= WARNING_DAYS
