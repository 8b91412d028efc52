"""A base that is not as it was made is found by its own media checksum, and what was checked is on record."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from support import media
from support.small_rpms import Shop
from switchroom.build.iso import sums, xorriso
from switchroom.build.iso.copying import Copying
from switchroom.build.iso.mediasum import FIELD_OFFSET
from switchroom.build.iso.origin import Origin
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256

pytestmark = pytest.mark.lab("xorriso", "mcopy", "implantisomd5", "dnf", "rpmbuild", "createrepo_c")


@pytest.fixture(scope="module")
def sound(el_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base with a media checksum, as publishers embed it."""
    path = tmp_path_factory.mktemp("sound") / "el.iso"
    shutil.copy(el_base, path)
    subprocess.run(["implantisomd5", "--force", path], check=True, capture_output=True)
    return path


@pytest.fixture
def damaged(sound: Path, tmp_path: Path) -> Path:
    """The same with one flipped bit, in the initial RAM disk."""
    path = tmp_path / "el.iso"
    shutil.copy(sound, path)
    ((start, size),) = xorriso.extents(path)["images/pxeboot/initrd.img"]
    flip(path, start + size // 2)
    return path


def flip(path: Path, place: int) -> None:
    with path.open("r+b") as stream:
        stream.seek(place)
        old = stream.read(1)[0]
        stream.seek(place)
        stream.write(bytes([old ^ 4]))


def checked_by(image: Path) -> str:
    (inner, outer) = (json.loads(path.read_text()) for path in (extracted(image), sums.manifest_path(image)))
    assert inner["base"] == outer["base"]
    return str(outer["base"]["checked_by"])


def extracted(image: Path) -> Path:
    target = image.with_name("inner.json")
    xorriso.extract(image, {"switchroom/manifest.json": target})
    return target


def test_flipped_bit_in_the_base_is_refused_and_its_place_is_named(
    damaged: Path, el_shop: Shop, tmp_path: Path
) -> None:
    with pytest.raises(SwitchroomError) as caught:
        media.make(el_shop, tmp_path / "out" / "x.iso", base=str(damaged), series=(media.S22,))
    assert caught.value.code is ExitCode.REFUSED
    assert "'el.iso' is damaged between the bytes" in caught.value.message
    assert "'images/pxeboot/initrd.img'" in caught.value.cause
    assert "--base-unverified" in caught.value.hint
    assert list((tmp_path / "out").iterdir()) == []


def test_flipped_bit_in_the_field_itself_is_no_base_without_a_checksum(
    sound: Path, el_shop: Shop, tmp_path: Path
) -> None:
    base = tmp_path / "el.iso"
    shutil.copy(sound, base)
    flip(base, FIELD_OFFSET + 2)
    with pytest.raises(SwitchroomError, match=f"between the bytes {FIELD_OFFSET} and"):
        media.make(el_shop, tmp_path / "out.iso", base=str(base), series=(media.S22,))


def test_damaged_base_can_be_used_on_record(damaged: Path, el_shop: Shop, tmp_path: Path) -> None:
    told = media.Told()
    base = Origin(str(damaged), unverified=True)
    built = media.make(el_shop, tmp_path / "out.iso", told, base=base, series=(media.S22,))
    assert any("is damaged between the bytes" in line for line in told.warnings)
    assert checked_by(built.image) == "nothing: --base-unverified"
    assert media.verified(built.image, el_shop.key) == ()


def test_sound_base_is_checked_by_its_own_sum(sound: Path, el_shop: Shop, tmp_path: Path) -> None:
    told = media.Told()
    built = media.make(el_shop, tmp_path / "out.iso", told, base=str(sound), series=(media.S22,))
    assert told.warnings == []
    assert checked_by(built.image) == "its own media checksum"


def test_base_without_a_sum_is_told_and_a_named_sum_suffices(
    el_base: Path, el_shop: Shop, tmp_path: Path
) -> None:
    told = media.Told()
    built = media.make(el_shop, tmp_path / "one.iso", told, base=str(el_base), series=(media.S22,))
    assert "it carries no media checksum" in told.warnings[0]
    assert checked_by(built.image) == "nothing: it carries no media checksum"
    told, named = media.Told(), Origin(str(el_base), sha256(el_base))
    built = media.make(el_shop, tmp_path / "two.iso", told, base=named, series=(media.S22,))
    assert told.warnings == []
    assert checked_by(built.image) == "a SHA-256 that was named"


def test_sum_and_unverified_contradict_each_other(el_base: Path, el_shop: Shop, tmp_path: Path) -> None:
    base = Origin(str(el_base), sha256(el_base), unverified=True)
    with pytest.raises(SwitchroomError, match="--base-unverified too") as caught:
        media.make(el_shop, tmp_path / "out.iso", base=base)
    assert caught.value.code is ExitCode.USAGE


@pytest.fixture
def sharing(tmp_path: Path) -> Iterator[Path]:
    """A file system on which files may share blocks, as EL's are."""
    image, place = tmp_path / "xfs.img", tmp_path / "xfs"
    place.mkdir()
    with image.open("wb") as stream:
        stream.truncate(400 << 20)
    subprocess.run(["mkfs.xfs", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.lab("mkfs.xfs", "mount", "filefrag")
def test_base_is_not_copied_where_its_blocks_can_be_shared(sharing: Path) -> None:
    base, image = sharing / "base", sharing / "image"
    base.write_bytes(bytes(range(256)) * (5 << 12))
    os.sync()
    with Copying(base, image) as copying:
        copying.wait(base.stat().st_size)
        assert copying.finish().sha256 == sha256(base)
    assert image.read_bytes() == base.read_bytes()
    shown = subprocess.run(["filefrag", "-v", image], check=True, capture_output=True, text=True).stdout
    assert "shared" in shown
