"""What is kept of a trial that failed: enough to understand it without running it again."""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Mapping, Sequence

from campaign.sight import Sight
from lab.boxes import Box
from switchroom.core.errors import SwitchroomError

_FILES = ("var/lib/switchroom", "etc/switchroom", "var/log/lab-scriptlets", "var/log/campaign-switch.log")
_ASKED: Mapping[str, Sequence[str]] = {
    "journalctl.txt": ("journalctl", "--no-pager", "--output=short-precise"),
    "units.txt": ("systemctl", "--no-pager", "--all", "status", "asterisk", "switchroom-*"),
    "status.txt": ("switchroom", "status"),
    "packages.txt": ("rpm", "-qa", "--last"),
    "moh.txt": ("asterisk", "-rx", "moh show classes"),
    "timing.txt": ("asterisk", "-rx", "module show like timing"),
    "asterisk.txt": ("tail", "-n", "200", "/var/log/asterisk/messages.log"),
    "dnf.txt": ("sh", "-c", "tail -n 300 /var/log/dnf.log /var/log/dnf.rpm.log"),
}


def keep(box: Box, folder: Path, about: Mapping[str, object], sight: Sight, problems: Sequence[str]) -> str:
    """Copy the evidence into a new folder, with what it is ``about``, and return its name."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    facts = {"about": about, "problems": list(problems), "sight": asdict(sight)}
    (folder / "verdict.json").write_text(json.dumps(facts, indent=2, default=str))
    shutil.copyfile(box.console, folder / "console.txt")
    for name in _FILES:
        _copy(box.root / name, folder / "files" / name)
    for name, words in _ASKED.items():
        with contextlib.suppress(SwitchroomError):
            (folder / name).write_bytes(box.run(*words, check=False).stdout)
    return str(folder)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError, shutil.Error):
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        elif source.exists():
            shutil.copyfile(source, target)
