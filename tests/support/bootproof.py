"""Boots an installer image to its menu, takes the menu's picture, and starts an entry by keys.

As a command (``PYTHONPATH=src:tests python -m support.bootproof docs/images``) it makes the documentation's
pictures. They show the lab's stand-in with every series that the catalog offers on its own date.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import List, Sequence, Tuple

from support import media
from support.qemu import Guest
from support.small_rpms import Shop
from switchroom.build.keys import development_key
from switchroom.catalog.load import load_catalog

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


def pictures(folder: Path) -> None:
    """Take the menu's pictures of an image on the lab's base, made of small packages."""
    catalog = load_catalog()
    with tempfile.TemporaryDirectory() as name:
        shop = Shop(Path(name, "repository"), development_key())
        series = catalog.offered(catalog.as_of)
        media.fill(shop, Path(name, "packages"), series)
        built = media.make(shop, Path(name, "image.iso"), series=series)
        for firmware in ("bios", "uefi"):
            picture(built.image, firmware, folder / f"menu-{firmware}.png")


if __name__ == "__main__":
    pictures(Path(sys.argv[1]))
