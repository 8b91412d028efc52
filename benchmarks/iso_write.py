"""Writes an image with new files, without what comes before and behind: for the peak memory in iso.py."""

from __future__ import annotations

import sys
from pathlib import Path

from switchroom.build.iso import remaster
from switchroom.build.iso.base import open_base
from switchroom.build.iso.copying import Copying
from switchroom.build.iso.graft import Changes
from switchroom.core.progress import Reporter

EPOCH = 1_700_000_000


def main(path: Path, new: Path, out: Path) -> None:
    """Write ``out/image.iso`` from a base and a folder of new files."""
    out.mkdir()
    base = open_base(path)
    (out / "grub.cfg").write_text("configfile ($root)/EFI/BOOT/grub.cfg\n")
    (out / "esp").mkdir()
    with Copying(path, out / "image.iso") as copying:
        parts = remaster.prepare(base, out / "grub.cfg", EPOCH, out / "esp")
        changes = Changes("BENCH", {"switchroom/repo": new}, EPOCH)
        remaster.remaster(base, changes, parts, copying, Reporter(quiet=True))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
