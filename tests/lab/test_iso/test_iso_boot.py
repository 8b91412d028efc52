"""Images boot on BIOS and UEFI, from CD and USB stick, made from every kind of base.

Every run does four of the sixteen: each kind of base, and each loader and each way to it (BIOS from CD by
ISOLINUX and from a stick by GRUB, UEFI from both), are among them. All of them, in a few minutes:
``pytest -m "campaign or not campaign" tests/lab/test_iso/test_iso_boot.py``
"""

from __future__ import annotations

import functools
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Iterator, Mapping, Tuple

import pytest
from PIL import Image

from support import bootproof, media
from support.media import Medium
from support.qemu import Guest
from support.small_rpms import Shop

pytestmark = pytest.mark.lab("qemu-system-x86_64", "xorriso", "mcopy", "rpmbuild")

Case = Tuple[str, str, str]  # base, firmware, medium
# Two sessions each, as the distributions make them; their kernel is the lab's.
BASES = {
    "el9-dvd": Medium(kind="dvd", family="AlmaLinux", label="AlmaLinux-9-6-x86_64-dvd"),
    "el9-minimal": Medium(kind="minimal", label="Rocky-9-6-x86_64-dvd"),
    "el10-dvd": Medium(kind="dvd", version="10.1", label="Rocky-10-1-x86_64-dvd"),
}
OWN, OWN_BASE = "own", "el9-minimal"  # an image of this product, and what that was made from
ALWAYS = [
    ("el9-dvd", "bios", "cd"),
    ("el9-minimal", "uefi", "usb"),
    ("el10-dvd", "bios", "usb"),
    (OWN, "uefi", "cd"),
]
CASES = [
    pytest.param((b, f, m), marks=[] if (b, f, m) in ALWAYS else pytest.mark.campaign, id=f"{b}-{f}-{m}")
    for b in (*BASES, OWN)
    for f in ("bios", "uefi")
    for m in ("cd", "usb")
]
AT_ONCE = 2  # guests; each emulates one processor
EMULATED = "no_timer_check"  # on a busy machine the kernel takes an emulated timer for broken, and panics

# In the menu of series 22 (default) and 23: the second series, unattended; then the same on a serial console.
UNATTENDED = ["down", "down", "ret", "down", "ret"]
SERIAL = ["down", "down", "down", "ret", "down", "down", "down", "ret"]


def volume_id(case: Case) -> str:
    """Return one with spaces for ISOLINUX; upstream's GRUB could not pass it on, see docs/iso.md."""
    base, firmware, _ = case
    if (base, firmware) == ("el9-dvd", "bios"):
        return "My PBX 9"
    return f"Switchroom-{'10' if base.startswith('el10') else '9'}-x86_64"


class Images:
    """The bases and the images made from them, each once."""

    def __init__(self, folder: Path, shop: Shop, distributions: Mapping[int, Path]) -> None:
        self._folder, self._shop, self._distributions = folder, shop, distributions
        self._base, self.image = functools.cache(self._make_base), functools.cache(self._make)

    def _make_base(self, name: str) -> Path:
        if name == OWN:
            return self.image(OWN_BASE, "Made once")
        packages = self._distributions[int(BASES[name].major)]
        return media.el_medium(self._folder / name, replace(BASES[name], distribution=packages))

    def _make(self, base: str, label: str) -> Path:
        out = self._folder / f"{base}-{label}.iso"
        changes = {"series": (media.S22, media.S23), "volume_id": label, "boot_add": [EMULATED]}
        return media.make(self._shop, out, base=str(self._base(base)), **changes).image


@dataclass(frozen=True)
class Boot:
    """What a guest reported, and the picture of its menu."""

    firmware: str
    arguments: Tuple[str, ...]
    picture: Path


@pytest.fixture(scope="module")
def boots(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    el_shop: Shop,
    distributions: Mapping[int, Path],
) -> Iterator[Dict[Case, Future[Boot]]]:
    """Boots of all cases that were chosen, begun at once."""
    folder = tmp_path_factory.mktemp("boots")
    images = Images(folder, el_shop, distributions)
    ours = [item for item in request.session.items if item.path == Path(__file__)]
    chosen = [item.callspec.params["case"] for item in ours if hasattr(item, "callspec")]
    made = {case: images.image(case[0], volume_id(case)) for case in chosen}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = {case: pool.submit(boot, made[case], folder / "-".join(case), case) for case in chosen}
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


@pytest.mark.parametrize("case", CASES)
def test_boots_an_entry_that_is_not_the_default(boots: Dict[Case, Future[Boot]], case: Case) -> None:
    base, firmware, medium = case
    booted = boots[case].result()
    assert booted.firmware == firmware
    label = volume_id(case).replace(" ", r"\x20")
    console = (
        ["console=tty0", "console=ttyS0,115200n8", "inst.text"]
        if (firmware, medium) == ("uefi", "cd")
        else ["quiet"]
    )
    expected = [
        f"inst.stage2=hd:LABEL={label}",
        f"inst.ks=hd:LABEL={label}:/switchroom/ks/unattended.cfg",
        "switchroom.asterisk=23",
        *console,
        EMULATED,
    ]
    assert list(booted.arguments[-len(expected) :]) == expected
    isolinux = firmware == "bios" and not base.startswith("el10")
    assert_drawn(booted.picture, (800, 600) if isolinux else (1024, 768))


def test_every_run_has_each_kind_of_base_and_each_way_to_each_loader() -> None:
    assert {base for base, _, _ in ALWAYS} == {*BASES, OWN}
    assert {(firmware, medium) for _, firmware, medium in ALWAYS} == {
        (firmware, medium) for firmware in ("bios", "uefi") for medium in ("cd", "usb")
    }
    isolinux = {base.startswith("el10") for base, firmware, _ in ALWAYS if firmware == "bios"}
    assert isolinux == {True, False}
