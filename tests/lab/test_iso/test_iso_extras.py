"""What may be asked for beyond a plain image, what is refused, and the largest files."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Dict, List, Mapping

import pytest

from support import firmware, media
from support.media import Medium
from support.small_rpms import Shop
from switchroom.build.iso import esp, graft, pe, remaster, xorriso
from switchroom.build.iso.base import GRUB_MENU, SHIM, open_base
from switchroom.build.iso.build import Built
from switchroom.build.iso.closure import Repositories
from switchroom.build.iso.copying import Copying
from switchroom.build.iso.extras import parse_files
from switchroom.build.iso.origin import Origin
from switchroom.build.iso.press import press
from switchroom.build.iso.stream import CHUNK
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("xorriso", "mcopy", "rpmbuild", "createrepo_c", "shellcheck")

EPOCH = 1_700_000_000
FOUR_GIB = 1 << 32


def test_time_zone_umask_file_dates_and_folder_do_not_show(
    lab_image: Built, lab_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    time.tzset()
    before = os.umask(0o077)
    for path in lab_shop.root.rglob("*.rpm"):
        os.utime(path, (1, 1))
    try:
        twin = media.make(lab_shop, tmp_path / "twin.iso")
    finally:
        os.umask(before)
        monkeypatch.undo()
        time.tzset()
    assert twin.sha256 == lab_image.sha256


def test_command_line_adds_files_and_arguments(
    lab_shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a=b.txt").write_text("mine")
    (tmp_path / "updates").write_text("updates")
    out = tmp_path / "out.iso"
    command = ["build", "iso", "--base", "lab10", "--series", "22", "--out", str(out)]
    command += ["--repo-root", str(lab_shop.root), "--channel", "testing"]
    command += ["--key", lab_shop.key.fingerprint, "--gnupghome", str(lab_shop.key.gnupghome)]
    command += [
        "--add-file",
        f"{tmp_path / 'a=b.txt'}=/docs/mine.txt",
        "--updates-img",
        str(tmp_path / "updates"),
    ]
    command += ["--boot-arg", "net.ifnames=0", "--remove-arg", "quiet"]
    assert main(command) == 0
    xorriso.extract(out, {name: tmp_path / "got" / name for name in ("docs/mine.txt", GRUB_MENU)})
    assert (tmp_path / "got/docs/mine.txt").read_text() == "mine"
    menu = (tmp_path / "got" / GRUB_MENU).read_text()
    assert menu.count(":/images/updates.img net.ifnames=0\n") == 6
    assert "quiet" not in menu
    capsys.readouterr()


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["nothing"], "does not name a file and its place"),
        (["{file}="], "does not name a file and its place"),
        (["{file}=/../etc"], "does not name a file and its place"),
        (["/nonexistent=/a"], "does not exist"),
        (["{file}=/switchroom/ks/interactive.cfg"], "which the image needs"),
        (["{file}=EFI/BOOT/BOOTX64.EFI"], "which the image needs"),
        (["{file}=/isolinux"], "which the image needs"),
        (["{file}=/a", "{file}=//a"], "a second time"),
        (["{file}=/" + "x" * 256], "more than 255 bytes"),
    ],
)
def test_files_that_cannot_be_added_are_refused(tmp_path: Path, texts: List[str], words: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SwitchroomError) as caught:
        parse_files([text.format(file=tmp_path / "file") for text in texts])
    assert words in caught.value.message
    assert caught.value.code is ExitCode.USAGE


@pytest.mark.parametrize("volume_id", ["a" * 33, "PBX:9", "Büro"])
def test_volume_id_that_does_not_fit_is_a_usage_error_before_anything_is_read(
    lab_shop: Shop, tmp_path: Path, volume_id: str
) -> None:
    with pytest.raises(SwitchroomError, match="The volume id") as caught:
        media.make(lab_shop, tmp_path / "out.iso", base="/nonexistent.iso", volume_id=volume_id)
    assert caught.value.code is ExitCode.USAGE


def test_base_that_is_not_its_publishers_leaves_nothing(
    el_shop: Shop, boot_base: Path, sources: Mapping[int, str], tmp_path: Path
) -> None:
    order: Dict[str, object] = {"base": Origin(str(boot_base), sha256="0" * 64), "series": (media.S22,)}
    order["repositories"] = Repositories(source=sources[9])
    with pytest.raises(SwitchroomError, match="does not have the SHA-256 that its publisher names") as caught:
        media.make(el_shop, tmp_path / "out" / "out.iso", **order)
    assert caught.value.code is ExitCode.REFUSED
    assert list((tmp_path / "out").iterdir()) == []


def test_shim_without_a_signature_is_refused(tmp_path: Path) -> None:
    shim = Path("/usr/lib/shim/shimx64.efi.signed").read_bytes()
    assert pe.signed(shim)
    at = int.from_bytes(shim[0x3C:0x40], "little") + 24 + 112 + 4 * 8
    (tmp_path / "shim").write_bytes(shim[:at] + bytes(8) + shim[at + 8 :])
    esp.create(tmp_path / "esp.img", {SHIM: tmp_path / "shim"}, EPOCH)
    with pytest.raises(SwitchroomError, match="is not signed"):
        pe.require_signed(tmp_path / "esp.img", SHIM)


def test_file_of_more_than_4_gib_is_added_and_kept_when_the_image_is_a_base_again(tmp_path: Path) -> None:
    big, image = tmp_path / "big", tmp_path / "big.iso"
    marks = {0: b"begin", FOUR_GIB - 2: b"across", FOUR_GIB + (1 << 20) - 3: b"end"}
    with big.open("wb") as stream:
        for place, mark in marks.items():
            stream.seek(place)
            stream.write(mark)
    base = open_base(media.el_medium(tmp_path / "base", Medium(without=("BaseOS",))))
    (tmp_path / "menu").write_text("a menu\n")
    parts = remaster.prepare(base, tmp_path / "menu", EPOCH, tmp_path)
    changes = graft.Changes("BIG", {"images/install.img": big}, EPOCH, parts.copies)
    planned = graft.plan(base.path, changes, [base.layout.bios_image or ""], fresh(tmp_path / "one"))
    with Copying(base.path, image) as copying:
        pressed = press(copying, planned, lambda _count: None)
    assert len(pressed.chunks) == -(-image.stat().st_size // CHUNK)
    sections = xorriso.extents(image)["images/install.img"]
    assert len(sections) == 2
    with image.open("rb") as stream:
        for place, mark in marks.items():
            stream.seek(sections[0][0] + place)
            assert stream.read(len(mark)) == mark
    again = graft.plan(
        image, graft.Changes("AGAIN", {}, EPOCH), [base.layout.bios_image or ""], fresh(tmp_path / "two")
    )
    assert again.extents["images/install.img"] == sections
    assert not [
        one for one in again.overlays if sections[0][0] <= one.offset < sections[-1][0] + sections[-1][1]
    ]
    assert firmware.volume_size(image) == image.stat().st_size


def fresh(folder: Path) -> Path:
    folder.mkdir()
    return folder
