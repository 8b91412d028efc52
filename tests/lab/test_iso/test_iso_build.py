"""Images are built whole, the same each time, with every copy of the boot menu new, or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, List

import pytest

from support import media
from support.media import Medium
from support.small_rpms import Shop
from switchroom.build.iso import build, graft, lab_base, remaster, xorriso
from switchroom.build.iso.build import Built
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("xorriso", "mcopy", "implantisomd5", "dnf", "rpmbuild", "createrepo_c")
SECTOR, BLOCK = 512, 2048


def esp_offsets(image: Path) -> List[int]:
    """Find the EFI system partition by reading El Torito, MBR and GPT by hand, as firmware does."""
    data = image.read_bytes()
    catalog = int.from_bytes(data[17 * BLOCK + 71 : 17 * BLOCK + 75], "little") * BLOCK
    assert data[catalog + 64 + 1] == 0xEF, "the second section of the catalog is not for EFI"
    offsets = [int.from_bytes(data[catalog + 96 + 8 : catalog + 96 + 12], "little") * BLOCK]
    for entry in range(446, 510, 16):
        kind, start = data[entry + 4], int.from_bytes(data[entry + 8 : entry + 12], "little")
        offsets += [start * SECTOR] if kind == 0xEF else []
    table, count, size = struct.unpack("<QII", data[SECTOR + 72 : SECTOR + 88])
    for number in range(count):
        entry = table * SECTOR + number * size
        start = int.from_bytes(data[entry + 32 : entry + 40], "little")
        offsets += [start * SECTOR] if start else []
    return offsets


def menu_in(image: Path, offset: int) -> str:
    """Read grub.cfg of the FAT image at an offset."""
    command = ["mtype", "-i", f"{image}@@{offset}", "::/EFI/BOOT/grub.cfg"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def file_in(image: Path, name: str, folder: Path) -> bytes:
    xorriso.extract(image, {name: folder / "extracted"})
    return (folder / "extracted").read_bytes()


@pytest.fixture(params=["lab", "lab10"])
def either(request: pytest.FixtureRequest) -> Built:
    """An image with EL9's layout, and one with EL10's."""
    image: Built = request.getfixturevalue(f"{request.param}_image")
    return image


def test_two_builds_in_different_folders_are_bit_identical(
    either: Built, lab_shop: Shop, tmp_path: Path
) -> None:
    first, base = either, either.image.stem
    twin = media.make(lab_shop, tmp_path / "some" / "where else" / f"{base}.iso", base=base)
    assert twin.sha256 == first.sha256 == hashlib.sha256(twin.image.read_bytes()).hexdigest()
    for suffix in ("SHA256SUMS", "SHA256SUMS.asc", "manifest.json", "spdx.json"):
        one, two = (path.with_name(f"{base}.iso.{suffix}") for path in (first.image, twin.image))
        assert one.read_bytes() == two.read_bytes()
    assert len(list(twin.image.parent.iterdir())) == 5


def test_every_copy_of_the_esp_holds_the_new_menu(lab_image: Built) -> None:
    offsets = esp_offsets(lab_image.image)
    assert len(offsets) == 3
    assert {menu_in(lab_image.image, offset) for offset in offsets} == {
        "search --no-floppy --set=root --label 'Switchroom-Lab-9-x86_64'\n"
        "set prefix=($root)/EFI/BOOT\n"
        "configfile ($root)/EFI/BOOT/grub.cfg\n"
    }


def test_a_stale_partition_of_a_remastered_base_gets_the_new_menu_too(el_shop: Shop, tmp_path: Path) -> None:
    stale = tmp_path / "stale.img"
    lab = lab_base.lab_base(build.cache_dir("iso"), "9")
    xorriso.extract(lab, {"images/efiboot.img": stale})
    base = media.el_medium(tmp_path / "base", Medium(extra=("-append_partition", "3", "0xef", str(stale))))
    assert len(esp_offsets(base)) == 5
    built = media.make(el_shop, tmp_path / "out.iso", base=str(base), series=(media.S22,))
    offsets = esp_offsets(built.image)
    assert len(set(offsets)) == 2
    assert all("Switchroom-9-x86_64" in menu_in(built.image, offset) for offset in offsets)


def test_boot_loaders_are_those_of_the_base(either: Built, tmp_path: Path) -> None:
    shim = Path("/usr/lib/shim/shimx64.efi.signed").read_bytes()
    assert file_in(either.image, "EFI/BOOT/BOOTX64.EFI", tmp_path) == shim
    inside = [
        "mtype",
        "-i",
        f"{either.image}@@{esp_offsets(either.image)[0]}",
        "::/EFI/BOOT/BOOTX64.EFI",
    ]
    assert subprocess.run(inside, check=True, capture_output=True).stdout == shim


def test_media_checksum_covers_the_esp(either: Built, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.iso"
    shutil.copy(either.image, damaged)
    assert subprocess.run(["checkisomd5", damaged], check=False, capture_output=True).returncode == 0
    with damaged.open("r+b") as stream:
        stream.seek(esp_offsets(damaged)[0] + 4096)
        stream.write(b"changed")
    assert subprocess.run(["checkisomd5", damaged], check=False, capture_output=True).returncode == 1


def test_treeinfo_names_the_new_esp(either: Built, tmp_path: Path) -> None:
    digest = hashlib.sha256(file_in(either.image, "images/efiboot.img", tmp_path)).hexdigest()
    treeinfo = file_in(either.image, ".treeinfo", tmp_path).decode()
    assert f"images/efiboot.img = sha256:{digest}" in treeinfo


def test_el_base_with_all_packages_offers_installing_without_network(
    el_shop: Shop, el_base: Path, tmp_path: Path
) -> None:
    built = media.make(
        el_shop, tmp_path / "out.iso", base=str(el_base), series=(media.S20, media.S22), volume_id="My PBX 9"
    )
    assert built.missing == ()
    menu = file_in(built.image, "isolinux/isolinux.cfg", tmp_path).decode()
    assert "menu title PBX installer - Rocky Linux 9.6, needs no network" in menu
    assert r"LABEL=My\x20PBX\x209:/switchroom/ks/interactive.cfg switchroom.asterisk=20" in menu
    assert "OFFLINE=yes" in file_in(built.image, "switchroom/ks/unattended.cfg", tmp_path).decode()
    data = json.loads(built.image.with_name("out.iso.manifest.json").read_text())
    assert data["base"]["sha256"] == hashlib.sha256(el_base.read_bytes()).hexdigest()
    assert {"key": "22", "version": "22.10.1", "engine": "asterisk22.10.1_1"} in data["series"]


@pytest.mark.parametrize(
    ("medium", "words"),
    [
        (Medium(arch="aarch64", without=("BaseOS",)), "its architecture is 'aarch64'"),
        (Medium(version="8.10", without=("BaseOS",)), "it is 'Rocky Linux 8.10'"),
        (Medium(family="Fedora", without=("BaseOS",)), "it is 'Fedora 9.6'"),
        (Medium(without=("BaseOS", "isolinux/vesamenu.c32")), "missing: isolinux/vesamenu.c32"),
        (Medium(without=("BaseOS", ".treeinfo", ".discinfo")), "has neither '.treeinfo' nor '.discinfo'"),
    ],
    ids=lambda value: "" if isinstance(value, Medium) else value,
)
def test_unsupported_base_is_refused(el_shop: Shop, tmp_path: Path, medium: Medium, words: str) -> None:
    base = media.el_medium(tmp_path / "base", medium)
    refused(el_shop, tmp_path / "out", words, base=str(base), series=(media.S22,))


def refused(shop: Shop, folder: Path, words: str, **changes: object) -> None:
    """Assert that a build is refused with these words and leaves nothing behind."""
    with pytest.raises(SwitchroomError) as caught:
        media.make(shop, folder / "out.iso", **changes)
    assert words in caught.value.message
    assert caught.value.code is ExitCode.REFUSED
    assert not folder.exists() or list(folder.iterdir()) == []


def test_lab_packages_are_refused_on_a_real_base(lab_shop: Shop, el_base: Path, tmp_path: Path) -> None:
    refused(lab_shop, tmp_path / "out", "'.lab'", base=str(el_base), series=(media.S22,))


def test_fixture_series_is_refused_on_a_real_base(lab_shop: Shop, el_base: Path, tmp_path: Path) -> None:
    refused(lab_shop, tmp_path / "out", "fixture of the lab", base=str(el_base), series=(media.FIXTURE,))


def test_series_that_was_not_published_is_refused_by_name(lab_shop: Shop, tmp_path: Path) -> None:
    refused(lab_shop, tmp_path / "out", "asterisk23", series=(media.S22, media.S23))


def test_too_little_space_is_refused_with_both_numbers(
    lab_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remaster.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 9 << 20))
    refused(lab_shop, tmp_path / "out", "has 9 MiB free; the image needs")


def test_existing_output_is_kept_unless_forced(lab_shop: Shop, tmp_path: Path) -> None:
    out = tmp_path / "out.iso"
    out.write_text("precious")
    with pytest.raises(SwitchroomError, match="exists") as caught:
        media.make(lab_shop, out)
    assert caught.value.code is ExitCode.REFUSED
    assert out.read_text() == "precious"
    media.make(lab_shop, out, force=True)
    assert media.verified(out, lab_shop.key) == ()


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_nothing_is_left_behind_when_a_build_stops_half_way(
    lab_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def stop(image: Path, *_: object, **__: object) -> None:
        image.write_bytes(b"half an image")
        raise failure

    monkeypatch.setattr(xorriso, "grow", stop)
    with pytest.raises(type(failure)):
        media.make(lab_shop, tmp_path / "out.iso")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kill", "number"), [(os.killpg, signal.SIGINT), (os.kill, signal.SIGTERM)])
def test_interrupt_while_the_image_is_written_leaves_nothing(
    lab_shop: Shop, tmp_path: Path, kill: Callable[[int, int], None], number: int
) -> None:
    tools, started, out = tmp_path / "tools", tmp_path / "started", tmp_path / "out"
    tools.mkdir()
    real = shutil.which("xorriso")
    wrapper = f"case $* in *-padding*) : >'{started}'; exec sleep 300;; esac; exec {real} \"$@\"\n"
    (tools / "xorriso").write_text(f"#!/bin/sh\n{wrapper}")
    (tools / "xorriso").chmod(0o755)
    command = [sys.executable, "-m", "switchroom", "build", "iso", "--base", "lab", "--series", "22"]
    command += ["--key", lab_shop.key.fingerprint, "--gnupghome", lab_shop.key.gnupghome]
    command += ["--repo-root", lab_shop.root, "--channel", "testing", "--out", out / "lab.iso"]
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        while not started.exists():
            assert process.poll() is None
            time.sleep(0.1)
        kill(process.pid, number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"error: Interrupted." in errors
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(("password_hash", "mode"), [("", 0o644), ("$6$salt$" + "x" * 86, 0o600)])
def test_image_that_carries_a_password_hash_is_its_owners_alone(
    lab_shop: Shop, tmp_path: Path, password_hash: str, mode: int
) -> None:
    built = media.make(lab_shop, tmp_path / "out.iso", password_hash=password_hash)
    assert built.image.stat().st_mode & 0o777 == mode


def test_copy_that_stayed_stale_fails_the_build(
    lab_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = graft.plan

    def forget(base: Path, changes: graft.Changes, *rest: Any) -> graft.Graft:
        planned = real(base, changes, *rest)
        kept = tuple(one for one in planned.overlays if one.offset not in changes.esp_copies)
        return dataclasses.replace(planned, overlays=kept)

    monkeypatch.setattr(graft, "plan", forget)
    with pytest.raises(SwitchroomError, match="does not hold the new boot menu"):
        media.make(lab_shop, tmp_path / "out.iso")
    assert list(tmp_path.iterdir()) == []
