"""Bases as people have them: of several sessions, without .treeinfo, our own images, ones that change."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Tuple

import pytest

from support import firmware, media
from support.media import Medium
from support.small_rpms import Shop
from switchroom.build.iso import boot_check, iso9660, remaster, xorriso
from switchroom.build.iso.build import Built
from switchroom.build.iso.release import read_release
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("xorriso", "mcopy", "dnf", "rpmbuild", "createrepo_c")

BLOCK = firmware.BLOCK


@pytest.fixture(scope="module")
def dvd(tmp_path_factory: pytest.TempPathFactory, distributions: Mapping[int, Path]) -> Path:
    """A DVD of EL9 in two sessions, as distributions make them."""
    medium = Medium(kind="dvd", distribution=distributions[9])
    return media.el_medium(tmp_path_factory.mktemp("dvd"), medium)


def make(shop: Shop, out: Path, base: Path, **changes: object) -> Built:
    return media.make(shop, out, base=str(base), series=(media.S22,), **changes)


def test_the_dvd_is_as_the_distributions_make_them(dvd: Path) -> None:
    """Its last session begins at block 32, and ISOLINUX at the descriptor of that."""
    assert firmware.boot_info(dvd).descriptor == 48
    with dvd.open("rb") as stream:
        assert iso9660.is_primary(stream, 16)
        assert iso9660.is_primary(stream, 48)


Change = Tuple[Callable[[Path], None], bool]  # and whether the base is copied by then


class Writer:
    """A way in which a base changes while it is read."""

    @staticmethod
    def in_place(base: Path) -> None:
        """Change bytes of a package, and set the dates back."""
        before = base.stat()
        with base.open("r+b") as stream:
            stream.seek(-400 * BLOCK, os.SEEK_END)
            stream.write(b"changed")
        os.utime(base, ns=(before.st_atime_ns, before.st_mtime_ns))

    @staticmethod
    def longer(base: Path) -> None:
        with base.open("ab") as stream:
            stream.write(bytes(BLOCK))

    @staticmethod
    def another_file(base: Path) -> None:
        shutil.copy2(base, base.with_name("other.iso"))
        base.with_name("other.iso").replace(base)

    @staticmethod
    def gone(base: Path) -> None:
        base.rename(base.with_name("moved.iso"))


@pytest.mark.parametrize(
    "change",
    [(Writer.in_place, False), (Writer.longer, False), (Writer.another_file, False), (Writer.gone, True)],
)
def test_a_base_that_changes_while_it_is_read_is_refused(
    el_shop: Shop, dvd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    change_base, already_copied = change
    base, real = tmp_path / "base.iso", remaster.press
    shutil.copy(dvd, base)

    def press(*args: Any) -> Any:
        if already_copied:
            pressed = real(*args)
            change_base(base)
            return pressed
        change_base(base)
        return real(*args)

    monkeypatch.setattr(remaster, "press", press)
    with pytest.raises(SwitchroomError, match="changed while it was read") as caught:
        make(el_shop, tmp_path / "out/out.iso", base)
    assert caught.value.code is ExitCode.REFUSED
    assert list((tmp_path / "out").iterdir()) == []


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, el_shop: Shop, dvd: Path) -> Built:
    """An image made from the DVD."""
    return make(el_shop, tmp_path_factory.mktemp("image") / "image.iso", dvd)


def test_an_image_of_ours_is_a_base_as_any_other(el_shop: Shop, image: Built, tmp_path: Path) -> None:
    told = media.Told()
    again = make(el_shop, tmp_path / "again.iso", image.image, reporter=told, volume_id="Again")
    assert media.verified(again.image, el_shop.key) == ()
    assert again.manifest["base"]["sha256"] == image.sha256
    assert again.manifest["base"]["family"] == "Rocky Linux"
    assert "to the kernel" not in told.text, "what our own menus pass is not lost"
    menu = firmware.seen_from(
        again.image, firmware.boot_info(again.image).descriptor, "isolinux/isolinux.cfg"
    )
    assert b"LABEL=Again:" in menu


def test_joliet_of_the_base_is_kept(image: Built, dvd: Path) -> None:
    """Without it a medium has names in capitals on Windows, and short ones."""
    before, after = joliet(dvd), joliet(image.image)
    assert before
    assert before <= after
    assert {"/isolinux/isolinux.cfg", "/switchroom/manifest.json"} <= after


def joliet(path: Path) -> set[str]:
    command = ["xorriso", "-no_rc", "-read_fs", "norock", "-indev", f"stdio:{path}"]
    result = subprocess.run(
        [*command, "-find", "/", "-type", "f"], check=True, capture_output=True, text=True
    )
    return {line.strip("'") for line in result.stdout.splitlines() if line.startswith("'/")}


def test_a_base_without_joliet_gets_none(
    el_shop: Shop, tmp_path: Path, distributions: Mapping[int, Path]
) -> None:
    medium = Medium(kind="flat", distribution=distributions[9], joliet=False)
    built = make(el_shop, tmp_path / "out.iso", media.el_medium(tmp_path / "base", medium))
    assert not iso9660.has_joliet(built.image)


def loader(data: bytes) -> int:
    return int.from_bytes(data[boot_catalog(data) + 40 :][:4], "little") * BLOCK


def boot_catalog(data: bytes) -> int:
    return int.from_bytes(data[17 * BLOCK + 71 :][:4], "little") * BLOCK


# What stops a machine: where bytes are laid over the image, which, and words of what is told.
BROKEN: Dict[str, Tuple[Callable[[bytes], int], bytes, str]] = {
    "descriptor of an old session": (
        lambda d: loader(d) + 8,
        (48).to_bytes(4, "little"),
        "is not the new menu from the volume descriptor in block 48",
    ),
    "no descriptor": (lambda d: loader(d) + 8, (20).to_bytes(4, "little"), "which is no volume descriptor"),
    "sum of the loader": (lambda d: loader(d) + 20, bytes(4), "does not fit it"),
    "size of the loader": (lambda d: loader(d) + 16, bytes(4), "does not fit it"),
    "the loader itself": (lambda d: loader(d) + 3000, b"spoilt", "does not fit it"),
    "sum of the catalog": (lambda d: boot_catalog(d) + 28, b"\1", "takes the boot catalog for damaged"),
    "BIOS entry cannot boot": (lambda d: boot_catalog(d) + 32, b"\0", "leads BIOS to block"),
    "BIOS entry elsewhere": (lambda d: boot_catalog(d) + 40, b"\x10\0\0\0", "leads BIOS to block 16"),
    "no entry for UEFI": (lambda d: boot_catalog(d) + 96, b"\0", "nothing that UEFI could start"),
    "no boot record": (lambda _: 17 * BLOCK, b"\2", "takes the boot catalog for damaged"),
    "MBR leads elsewhere": (
        lambda _: 432,
        b"\x10\0\0\0",
        "the MBR looks for 'isolinux/isolinux.bin' at sector 16",
    ),
    "MBR without its mark": (lambda _: 510, b"\0\0", "takes the MBR for damaged"),
    "GPT's header": (lambda _: 512 + 40, b"\xff", "takes the GPT for damaged"),
    "GPT's backup": (lambda d: len(d) - 512 + 40, b"\xff", "takes the backup of the GPT for damaged"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_every_link_of_the_chain_from_firmware_to_menu_is_followed(
    image: Built, tmp_path: Path, case: str
) -> None:
    place, laid_over, words = BROKEN[case]
    spoilt = tmp_path / "spoilt.iso"
    shutil.copy(image.image, spoilt)
    menus = {name: one for name, one in image.manifest["files"].items() if name in boot_check.MENUS}
    assert boot_check.faults(spoilt, menus) == ()
    with spoilt.open("r+b") as stream:
        stream.seek(place(spoilt.read_bytes()))
        stream.write(laid_over)
    assert words in "\n".join(boot_check.faults(spoilt, menus))


def test_verify_names_a_boot_image_that_no_firmware_could_start_though_it_is_signed(
    el_shop: Shop, dvd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As versions before this one made it: the sums are right, and ISOLINUX finds no menu."""
    monkeypatch.setattr(boot_check, "info_table", lambda _: {})
    monkeypatch.setattr(remaster, "_check_chain", lambda *_: None)
    built = make(el_shop, tmp_path / "out.iso", dvd)
    assert subprocess.run(["checkisomd5", built.image], check=False, capture_output=True).returncode == 0
    problems = media.verified(built.image, el_shop.key)
    assert problems
    assert all("from the volume descriptor in block 48" in line for line in problems)
    assert "'isolinux/isolinux.cfg'" in problems[0]


def test_a_menu_that_isolinux_would_take_before_ours_is_not_passed_over(
    el_shop: Shop, distributions: Mapping[int, Path], tmp_path: Path
) -> None:
    files = {"boot/isolinux/isolinux.cfg": b"say the old menu\n"}
    medium = Medium(kind="dvd", distribution=distributions[9], files=files)
    base = media.el_medium(tmp_path / "base", medium)
    with pytest.raises(SwitchroomError, match="would not start on every machine") as caught:
        make(el_shop, tmp_path / "out/out.iso", base)
    assert "takes 'boot/isolinux/isolinux.cfg'" in caught.value.cause


def test_an_image_that_would_not_start_is_not_handed_out(
    el_shop: Shop, dvd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boot_check, "info_table", lambda _: {})
    with pytest.raises(SwitchroomError, match="would not start on every machine") as caught:
        make(el_shop, tmp_path / "out/out.iso", dvd)
    assert "'isolinux/isolinux.cfg'" in caught.value.cause
    assert list((tmp_path / "out").iterdir()) == []


MENU = "menuentry 'Install {name} {version}' --class fedora {{\n\tlinux /images/pxeboot/vmlinuz quiet\n}}\n"


def boot_iso(folder: Path, volume_id: str, **files: str) -> Path:
    """Write an ISO with nothing on it but what names a release."""
    names = {"discinfo": ".discinfo", "menu": "EFI/BOOT/grub.cfg", "manifest": "switchroom/manifest.json"}
    for key, text in files.items():
        path = folder / "tree" / names[key]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    image = folder / "boot.iso"
    words = ["xorriso", "-as", "mkisofs", "-quiet", "-o", image, "-V", volume_id, "-r", folder / "tree"]
    subprocess.run(words, check=True, capture_output=True)
    return image


@pytest.mark.parametrize(
    ("volume_id", "files", "release"),
    [
        (
            "X",
            {"discinfo": "1.5\n9.6\nx86_64\n", "menu": MENU.format(name="Rocky Linux", version="9.6")},
            "Rocky Linux 9.6",
        ),
        (
            "X",
            {"discinfo": "1.5\n9\nx86_64\n", "menu": MENU.format(name="CentOS Stream", version="9")},
            "CentOS Stream 9",
        ),
        (
            "X",
            {"discinfo": "1.5\n10.0\nx86_64\n", "menu": MENU.format(name="AlmaLinux", version="10.0")},
            "AlmaLinux 10.0",
        ),
        ("AlmaLinux-9-6-x86_64-dvd", {"discinfo": "1.5\n9.6\nx86_64\n", "menu": ""}, "AlmaLinux 9.6"),
        ("CentOS-Stream-10-BaseOS-x86_64", {"discinfo": "1.5\n10\nx86_64\n", "menu": ""}, "CentOS Stream 10"),
        ("X", {"discinfo": "1.5\nRocky Linux 9.6\nx86_64\nALL\n", "menu": ""}, "Rocky Linux 9.6"),
        (
            "X",
            {"discinfo": "1.5\n9.6\nx86_64\n", "menu": "", "manifest": '{"base": {"family": "AlmaLinux"}}'},
            "AlmaLinux 9.6",
        ),
    ],
)
def test_a_boot_iso_is_known_by_what_lorax_writes(
    tmp_path: Path, volume_id: str, files: Dict[str, str], release: str
) -> None:
    image = boot_iso(tmp_path, volume_id, **files)
    found = read_release(image, xorriso.paths(image), volume_id)
    assert f"{found.family} {found.version}" == release
    assert found.repositories == ()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"discinfo": "1.5\n9.6\nx86_64\n", "menu": ""}, "says of which distribution"),
        (
            {"discinfo": "1.5\n9.6\nx86_64\n", "menu": MENU.format(name="Oracle Linux", version="9.6")},
            "says of which",
        ),
        (
            {"discinfo": "1.5\n10\nx86_64\n", "menu": MENU.format(name="AlmaLinux Kitten", version="10")},
            "says of which",
        ),
        (
            {"discinfo": "1.5\n8.10\nx86_64\n", "menu": MENU.format(name="Rocky Linux", version="8.10")},
            "it is 'Rocky Linux 8.10'",
        ),
        (
            {"discinfo": "1.5\n9.6\naarch64\n", "menu": MENU.format(name="Rocky Linux", version="9.6")},
            "architecture is 'aarch64'",
        ),
        (
            {"discinfo": "torn", "menu": MENU.format(name="Rocky Linux", version="9.6")},
            "architecture is 'unknown'",
        ),
        ({"menu": MENU.format(name="Rocky Linux", version="9.6")}, "has neither '.treeinfo' nor '.discinfo'"),
    ],
)
def test_a_boot_iso_of_something_else_is_refused(tmp_path: Path, files: Dict[str, str], words: str) -> None:
    image = boot_iso(tmp_path, "X", **files)
    with pytest.raises(SwitchroomError) as caught:
        read_release(image, xorriso.paths(image), "X")
    assert words in caught.value.message
    assert caught.value.code is ExitCode.REFUSED
