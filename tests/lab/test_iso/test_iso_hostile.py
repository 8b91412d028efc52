"""A base made by somebody who wants this machine: nothing outside the build's scratch is touched."""

from __future__ import annotations

import dataclasses
import os
import stat
import subprocess
from pathlib import Path
from typing import Dict

import pytest

from support import media
from support.small_rpms import Shop
from switchroom.build.iso import xorriso
from switchroom.build.iso.origin import Origin
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("xorriso", "mcopy", "implantisomd5", "dnf", "rpmbuild", "createrepo_c")

_TREEINFO = """[general]
family=Rocky Linux
version=9.6
arch=x86_64
[variant-AppStream]
repository=AppStream
"""


@pytest.fixture
def victims(tmp_path: Path) -> Dict[Path, int]:
    """A file and a folder that are their owner's alone, with their modes."""
    file, folder = tmp_path / "victim", tmp_path / "victims"
    file.write_text("secret")
    file.chmod(0o600)
    folder.mkdir(mode=0o700)
    return {path: stat.S_IMODE(path.stat().st_mode) for path in (file, folder)}


@pytest.fixture
def hostile(el_base: Path, tmp_path: Path, victims: Dict[Path, int]) -> Path:
    """A medium whose repository's metadata holds links that lead out of it."""
    repodata = tmp_path / "AppStream" / "repodata"
    repodata.mkdir(parents=True)
    (repodata / "repomd.xml").write_text("x")
    for number, victim in enumerate(victims):
        (repodata / f"evil{number}").symlink_to(victim)
    (tmp_path / "treeinfo").write_text(_TREEINFO)
    return mapped(el_base, tmp_path / "hostile.iso", {"treeinfo": ".treeinfo", "AppStream": "AppStream"})


def mapped(base: Path, image: Path, files: Dict[str, str]) -> Path:
    """Write a base to ``image`` with files from its folder at places on it."""
    words = [word for source, place in files.items() for word in ("-map", image.parent / source, f"/{place}")]
    command = ["xorriso", "-no_rc", "-indev", base, "-outdev", image, "-boot_image", "any", "replay", *words]
    subprocess.run(command, check=True, capture_output=True)
    return image


def modes(victims: Dict[Path, int]) -> Dict[Path, int]:
    return {path: stat.S_IMODE(path.stat().st_mode) for path in victims}


def refused(shop: Shop, folder: Path, base: Origin) -> SwitchroomError:
    with pytest.raises(SwitchroomError) as caught:
        media.make(shop, folder / "out" / "out.iso", base=base, series=(media.S22,))
    assert caught.value.code is ExitCode.REFUSED
    assert list((folder / "out").iterdir()) == []
    return caught.value


def test_a_base_with_another_checksum_is_refused_before_anything_of_it_is_read(
    el_shop: Shop, hostile: Path, tmp_path: Path, victims: Dict[Path, int]
) -> None:
    error = refused(el_shop, tmp_path, Origin(str(hostile), "0" * 64))
    assert "does not have the SHA-256" in error.message
    garbage = tmp_path / "garbage.iso"
    garbage.write_bytes(b"whatever could be made of this")
    assert "does not have the SHA-256" in refused(el_shop, tmp_path, Origin(str(garbage), "0" * 64)).message
    assert modes(victims) == victims


def test_links_where_files_belong_are_refused_and_not_followed(
    el_shop: Shop, hostile: Path, tmp_path: Path, victims: Dict[Path, int]
) -> None:
    error = refused(el_shop, tmp_path, Origin(str(hostile)))
    assert "AppStream/repodata/evil" in error.cause
    assert modes(victims) == victims


@pytest.mark.parametrize("kind", ["fifo", "device", "socket"])
def test_special_files_are_never_made(el_base: Path, tmp_path: Path, kind: str) -> None:
    odd = tmp_path / "folder" / "odd"
    odd.parent.mkdir()
    os.mknod(odd, {"fifo": stat.S_IFIFO, "device": stat.S_IFBLK, "socket": stat.S_IFSOCK}[kind] | 0o600, 1)
    image = mapped(el_base, tmp_path / "odd.iso", {"folder": "folder"})
    for name in ("folder", "folder/odd"):
        with pytest.raises(SwitchroomError, match="neither a file nor a folder") as caught:
            xorriso.extract(image, {name: tmp_path / "got"})
        assert caught.value.code is ExitCode.REFUSED
        assert not (tmp_path / "got").exists()


def test_what_lies_where_a_file_is_extracted_to_is_not_written_through(el_base: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("secret")
    (tmp_path / "got").symlink_to(victim)
    xorriso.extract(el_base, {".treeinfo": tmp_path / "got"})
    assert "family" in (tmp_path / "got").read_text()
    assert victim.read_text() == "secret"


def test_extracted_files_are_plain_and_readable(el_base: Path, tmp_path: Path) -> None:
    source = tmp_path / "mine"
    (source / "below").mkdir(parents=True)
    (source / "below" / "file").write_text("x")
    (source / "below" / "file").chmod(0o6555)
    image = mapped(el_base, tmp_path / "mine.iso", {"mine": "mine"})
    xorriso.extract(image, {"mine": tmp_path / "got"})
    assert stat.S_IMODE((tmp_path / "got" / "below" / "file").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "got" / "below").stat().st_mode) == 0o755


def test_nothing_that_the_development_key_signs_goes_onto_a_real_base(
    el_shop: Shop, el_base: Path, tmp_path: Path
) -> None:
    careless = dataclasses.replace(el_shop, key=dataclasses.replace(el_shop.key, development=True))
    error = refused(careless, tmp_path, Origin(str(el_base)))
    assert "development key" in error.message
    assert "--key FINGERPRINT" in error.hint
