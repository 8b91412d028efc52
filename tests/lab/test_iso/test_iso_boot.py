"""The image boots on BIOS and UEFI, from CD and USB stick, with EL9's and with EL10's boot loaders."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, Tuple

import pytest
from PIL import Image

from support import bootproof, media
from support.qemu import Guest
from support.small_rpms import Shop
from switchroom.build.iso.build import Built

pytestmark = pytest.mark.lab("qemu-system-x86_64", "xorriso", "mcopy", "rpmbuild")

Case = Tuple[str, str, str]  # base, firmware, medium
CASES = [(b, f, m) for b in ("lab", "lab10") for f in ("bios", "uefi") for m in ("cd", "usb")]
AT_ONCE = 2  # guests; each emulates one processor

# In the menu of series 22 (default) and 99: the second series, unattended; then the same on a serial console.
UNATTENDED = ["down", "down", "ret", "down", "ret"]
SERIAL = ["down", "down", "down", "ret", "down", "down", "down", "ret"]
VOLUME_IDS = {"lab": "My PBX 9", "lab10": "Switchroom-Lab-10-x86_64"}
# A label without spaces where upstream's GRUB must pass it on: see docs/iso.md.
UEFI_VOLUME_ID = "Switchroom-Lab-9-x86_64"


@dataclass(frozen=True)
class Boot:
    """What a guest reported, and the picture of its menu."""

    firmware: str
    arguments: Tuple[str, ...]
    picture: Path


@pytest.fixture(scope="module")
def boots(
    tmp_path_factory: pytest.TempPathFactory, lab_shop: Shop, lab_image: Built, lab10_image: Built
) -> Iterator[Dict[Case, Future[Boot]]]:
    """Boots of all cases, begun at once."""
    folder = tmp_path_factory.mktemp("boots")
    images = {
        ("lab", "bios"): media.make(lab_shop, folder / "spaces.iso", volume_id=VOLUME_IDS["lab"]).image,
        ("lab", "uefi"): lab_image.image,
        ("lab10", "bios"): lab10_image.image,
        ("lab10", "uefi"): lab10_image.image,
    }
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = {
            case: pool.submit(boot, images[case[0], case[1]], folder / "-".join(case), case) for case in CASES
        }
        yield started
        for one in started.values():
            one.cancel()


def boot(image: Path, folder: Path, case: Case) -> Boot:
    """Boot and choose by keys."""
    _, firmware, medium = case
    folder.mkdir()
    with Guest(folder, bootproof.medium(image, medium), firmware=firmware, memory=1024) as guest:
        bootproof.wait_for_menu(guest)
        guest.screenshot(folder / "menu.png")
        found, line = bootproof.start(guest, SERIAL if medium == "cd" and firmware == "uefi" else UNATTENDED)
    return Boot(found, tuple(line.split()), folder / "menu.png")


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


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_boots_an_entry_that_is_not_the_default(boots: Dict[Case, Future[Boot]], case: Case) -> None:
    base, firmware, medium = case
    booted = boots[case].result()
    assert booted.firmware == firmware
    label = VOLUME_IDS[base] if (base, firmware) != ("lab", "uefi") else UEFI_VOLUME_ID
    label = label.replace(" ", r"\x20")
    console = (
        ["console=tty0", "console=ttyS0,115200n8", "inst.text"]
        if (firmware, medium) == ("uefi", "cd")
        else ["quiet"]
    )
    expected = [
        f"inst.stage2=hd:LABEL={label}",
        f"inst.ks=hd:LABEL={label}:/switchroom/ks/unattended.cfg",
        "switchroom.asterisk=99",
        *console,
    ]
    assert list(booted.arguments[-len(expected) :]) == expected
    isolinux = (base, firmware) == ("lab", "bios")
    assert_drawn(booted.picture, (800, 600) if isolinux else (1024, 768))
