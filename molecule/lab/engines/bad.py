"""Packages that must be refused: unsigned, signed by a stranger, torn. Each is made from a good one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from switchroom.build.keys import SigningKey
from switchroom.core import process


def unsigned(rpm: Path, folder: Path) -> Path:
    """Return a copy of a package in ``folder`` that carries no signature."""
    copy = _copy(rpm, folder)
    process.run(["rpmsign", "--delsign", copy], what="Taking the signature off")
    return copy


def signed_by(rpm: Path, folder: Path, key: SigningKey, epoch: int) -> Path:
    """Return a copy of a package in ``folder`` that another key signed, at ``epoch`` (Unix time)."""
    copy = unsigned(rpm, folder)
    key.sign_rpms([copy], epoch)
    return copy


def torn(rpm: Path, folder: Path) -> Path:
    """Return a copy of a package in ``folder`` whose second half is missing, as after a broken download."""
    copy = _copy(rpm, folder)
    os.truncate(copy, copy.stat().st_size // 2)
    return copy


def _copy(rpm: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(rpm, folder / rpm.name))
