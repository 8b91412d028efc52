"""The image boots on BIOS and UEFI, from CD and USB stick, to the kernel with the entry that was chosen."""

from __future__ import annotations

from pathlib import Path
from typing import List, Tuple

import pytest
from PIL import Image

from support import bootproof, media
from support.qemu import Guest
from support.small_rpms import Shop
from switchroom.build.iso.build import Built

pytestmark = pytest.mark.lab("qemu-system-x86_64", "xorriso", "mcopy", "implantisomd5", "rpmbuild")

# In the menu of series 22 (default) and 99: the second series, unattended; then the same on a serial console.
UNATTENDED_99 = ["down", "down", "ret", "down", "ret"]
UNATTENDED_99_SERIAL = ["down", "down", "down", "ret", "down", "down", "down", "ret"]


def boot(image: Path, folder: Path, firmware: str, kind: str, keys: List[str]) -> Tuple[str, List[str], Path]:
    """Boot, choose by keys; return firmware, command line in words, and the menu's picture."""
    picture = folder / f"menu-{firmware}.png"
    with Guest(folder, bootproof.medium(image, kind), firmware=firmware, memory=1024) as guest:
        bootproof.wait_for_menu(guest)
        guest.screenshot(picture)
        found, line = bootproof.start(guest, keys)
    return found, line.split(), picture


def arguments(label: str) -> List[str]:
    return [
        f"inst.stage2=hd:LABEL={label}",
        f"inst.ks=hd:LABEL={label}:/switchroom/ks/unattended.cfg",
        "switchroom.asterisk=99",
    ]


def assert_drawn(picture: Path, size: Tuple[int, int]) -> None:
    """Assert that a picture has the menu's size, its dark background and its bright selection bar."""
    with Image.open(picture) as image:
        assert image.size == size
        colours = image.convert("RGB").getcolors(1 << 20)
    assert len(colours) > 500
    mint = sum(
        count for count, colour in colours if max(abs(a - b) for a, b in zip(colour, (127, 212, 193))) < 6
    )
    assert mint > 5000


def test_bios_boots_an_entry_that_is_not_the_default(lab_shop: Shop, tmp_path: Path) -> None:
    built = media.make(lab_shop, tmp_path / "lab.iso", volume_id="My PBX 9")
    firmware, words, picture = boot(built.image, tmp_path, "bios", "cd", UNATTENDED_99)
    assert firmware == "bios"
    assert words[2:] == [*arguments(r"My\x20PBX\x209"), "quiet"]
    assert_drawn(picture, (800, 600))


def test_uefi_boots_an_entry_that_is_not_the_default(lab_image: Built, tmp_path: Path) -> None:
    firmware, words, picture = boot(lab_image.image, tmp_path, "uefi", "cd", UNATTENDED_99_SERIAL)
    assert firmware == "uefi"
    serial = ["console=tty0", "console=ttyS0,115200n8", "inst.text"]
    assert words[1:] == [*arguments("Switchroom-Lab-9-x86_64"), *serial]
    assert_drawn(picture, (1024, 768))


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_usb_stick_boots_too(lab_image: Built, tmp_path: Path, firmware: str) -> None:
    found, words, _ = boot(lab_image.image, tmp_path, firmware, "usb", UNATTENDED_99)
    assert found == firmware
    assert words[-4:] == [*arguments("Switchroom-Lab-9-x86_64"), "quiet"]
