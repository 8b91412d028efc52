"""Boots an installer image to its menu, takes the menu's picture, and starts an entry by keys.

As a command it makes the pictures in docs/images: ``cd tests && python -m support.bootproof IMAGE FOLDER``.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import List, Sequence, Tuple

from support.qemu import Guest

_MENU_SECONDS = 120
_BOOT_SECONDS = 240
_LAST_ENTRY = "Troubleshooting"
_SETTLE_SECONDS = 1.5  # the serial line has the text before the screen is drawn


def medium(image: Path, kind: str) -> List[str]:
    """Return QEMU's arguments for an image as a CD (``cd``) or written to a USB stick (``usb``)."""
    if kind == "cd":
        return ["-cdrom", str(image)]
    stick = f"if=none,id=stick,format=raw,readonly=on,file={image}"
    return ["-drive", stick, "-device", "qemu-xhci", "-device", "usb-storage,drive=stick,bootindex=0"]


def wait_for_menu(guest: Guest) -> None:
    """Wait until the menu is drawn."""
    guest.wait_for(_LAST_ENTRY, _MENU_SECONDS)
    time.sleep(_SETTLE_SECONDS)


def start(guest: Guest, keys: Sequence[str]) -> Tuple[str, str]:
    """Press keys in the menu; return the firmware and the command line that the started kernel reports."""
    for key in keys:
        guest.press(key)
        if key == "ret":
            time.sleep(_SETTLE_SECONDS)
    text = guest.wait_for("SWITCHROOM-LAB: end", _BOOT_SECONDS)
    values = dict(
        line.split("=" if line.startswith("FIRMWARE") else ": ", 1)
        for line in text.splitlines()
        if line.startswith(("FIRMWARE=", "CMDLINE: "))
    )
    return values["FIRMWARE"], values["CMDLINE"]


def picture(image: Path, firmware: str, png: Path) -> None:
    """Take the menu's picture."""
    folder = png.parent / f".{png.stem}"
    with Guest(folder, medium(image, "cd"), firmware=firmware, memory=1024) as guest:
        wait_for_menu(guest)
        guest.screenshot(png)
    shutil.rmtree(folder)


if __name__ == "__main__":
    for name in ("bios", "uefi"):
        picture(Path(sys.argv[1]), name, Path(sys.argv[2]) / f"menu-{name}.png")
