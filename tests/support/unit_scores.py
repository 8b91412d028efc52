"""How exposed each unit of ours is, as docs/security.md states it: the table there is the data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, NamedTuple

_DOCUMENT = Path(__file__).parents[2] / "docs/security.md"
_ROW = re.compile(r"^\| `(?P<unit>[\w@-]+\.service)` \| (?P<score>\d+\.\d) \| (?P<why>.+) \|$", re.MULTILINE)
# Those that a box has from its packages alone; roles write the others.
BOX_UNITS = ("asterisk.service", "switchroom-recover.service", "switchroom-resume.service")


class Stated(NamedTuple):
    """One row: the highest exposure, from 0 to 10, and why it is not less."""

    score: float
    why: str


def stated() -> Dict[str, Stated]:
    """Return the rows by their units."""
    rows = _ROW.finditer(_DOCUMENT.read_text())
    return {row["unit"]: Stated(float(row["score"]), row["why"]) for row in rows}
