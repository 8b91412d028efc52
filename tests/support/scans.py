"""Made-up boxes for the compatibility scan."""

from __future__ import annotations

import datetime
import functools
from pathlib import Path
from typing import Mapping, Tuple

from switchroom.box import scan
from switchroom.box.paths import Paths
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Catalog
from switchroom.catalog.removals import Removals, load_removals

DAY = datetime.date(2026, 11, 23)
CUSTOM = "/etc/asterisk/extensions_custom.conf"
# A dialplan as FreePBX lays it out: the custom file is included, its context is called from elsewhere.
_MAIN = "#include extensions_custom.conf\n[from-pstn]\ninclude => from-internal-custom\n"
DIALPLAN = {"/etc/asterisk/extensions.conf": _MAIN}


@functools.cache
def catalog() -> Catalog:
    return load_catalog()


@functools.cache
def removals() -> Removals:
    return load_removals()


def box(root: Path, files: Mapping[str, str]) -> Paths:
    """Write a box's files, by their names on the box."""
    for name, content in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, errors="surrogateescape")
    return Paths(root)


def custom(*lines: str) -> Mapping[str, str]:
    """Return the files of a dialplan whose custom context has these lines, the first in line 3."""
    text = "[from-internal-custom]\nexten => s,1,NoOp()\n" + "".join(f"{line}\n" for line in lines)
    return {**DIALPLAN, CUSTOM: text}


def check(
    root: Path,
    files: Mapping[str, str],
    source: str | scan.Side,
    target: str | scan.Side,
    fwconsole: Tuple[str, ...] = ("/nonexistent/fwconsole",),
) -> Tuple[scan.Finding, ...]:
    """Scan a made-up box for a switch between two versions."""
    old, new = (scan.Side(side) if isinstance(side, str) else side for side in (source, target))
    return scan.check(box(root, files), catalog(), old, new, on=DAY, fwconsole=fwconsole, removals=removals())


def about(findings: Tuple[scan.Finding, ...], *kinds: str) -> Tuple[scan.Finding, ...]:
    """Return the findings of some kinds."""
    return tuple(finding for finding in findings if finding.what in kinds)
