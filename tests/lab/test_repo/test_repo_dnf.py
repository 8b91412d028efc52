"""The real dnf, with both checks on, installs from the mirror list and refuses whatever was tampered with."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import createrepo_c
import pytest

from support.installroot import Box
from support.small_rpms import EPOCH, Shop, Small, build
from switchroom.build import repo
from switchroom.build.keys import SigningKey
from switchroom.build.repo import layout
from switchroom.build.repo.metadata import read_repository, read_rpm, write_repodata

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign", "dnf")

ENGINE = Path("packages") / "engine-1.0-1.lab.noarch.rpm"


@pytest.fixture
def box(tmp_path: Path, shop: Shop, small: Path) -> Iterator[Box]:
    shop.publish(small / "engine-1.0-1.lab.noarch.rpm", small / "meta-1.0-1.lab.noarch.rpm")
    made = Box(tmp_path / "box", shop)
    yield made
    made.stop()


def test_dnf_installs_from_either_channel(box: Box) -> None:
    box.shop.promote("engine")
    stable = box.dnf("install", "engine", channel="stable")
    assert stable.returncode == 0, stable.stderr
    testing = box.dnf("--refresh", "install", "meta")
    assert testing.returncode == 0, testing.stderr
    installed = [name for name in box.installed().split() if not name.startswith("gpg-pubkey-")]
    assert sorted(installed) == ["engine-1.0-1.lab.noarch", "meta-1.0-1.lab.noarch"]


def test_dnf_sees_what_the_next_publish_adds(box: Box, small: Path) -> None:
    assert box.dnf("repoquery", "tool").stdout == ""
    box.shop.publish(small)
    assert "tool-0:1.0-1.lab.noarch" in box.dnf("--refresh", "repoquery", "tool").stdout


def test_dnf_upgrades_across_a_publish(box: Box, tmp_path: Path) -> None:
    assert box.dnf("install", "engine").returncode == 0
    box.shop.publish(*build(tmp_path / "new", Small("engine", version="1.1")))
    assert box.dnf("--refresh", "upgrade").returncode == 0
    assert "engine-1.1-1.lab.noarch" in box.installed()


def refused(box: Box, reason: str) -> None:
    done = box.dnf("install", "engine")
    assert done.returncode != 0
    assert reason in done.stderr + done.stdout
    assert "engine" not in box.installed()


def flip(path: Path) -> None:
    """Change one byte of a file, and only of this file, not of its hard links."""
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])


def rewrite_metadata(folder: Path, key: SigningKey) -> None:
    """Describe the packages as they lie there, and sign that: what whoever holds ``key`` can do."""
    shutil.rmtree(folder / "repodata")
    packages = [read_rpm(path) for path in (folder / "packages").iterdir()]
    key.detach_sign(write_repodata(folder, packages, EPOCH), EPOCH)


def test_dnf_refuses_a_tampered_package(box: Box) -> None:
    flip(box.shop.current() / ENGINE)
    refused(box, "No more mirrors to try")


def test_dnf_refuses_a_tampered_package_the_metadata_was_made_to_fit(box: Box) -> None:
    flip(box.shop.current() / ENGINE)
    rewrite_metadata(box.shop.current(), box.shop.key)
    refused(box, "GPG check FAILED")


def test_dnf_refuses_an_unsigned_package_in_signed_metadata(box: Box, small: Path) -> None:
    shutil.copy(small / ENGINE.name, box.shop.current() / ENGINE)
    rewrite_metadata(box.shop.current(), box.shop.key)
    refused(box, "is not signed")


def test_dnf_refuses_a_package_of_a_foreign_key_in_signed_metadata(
    box: Box, small: Path, foreign_key: SigningKey
) -> None:
    foreign = Path(shutil.copy(small / ENGINE.name, box.shop.current() / ENGINE))
    foreign_key.sign_rpms([foreign], EPOCH)
    rewrite_metadata(box.shop.current(), box.shop.key)
    refused(box, "GPG check FAILED")


def test_dnf_refuses_tampered_metadata(box: Box) -> None:
    repomd = box.shop.current() / "repodata" / "repomd.xml"
    repomd.write_text(repomd.read_text().replace("</revision>", "0</revision>"))
    refused(box, "repomd.xml GPG signature verification error")


def test_dnf_refuses_metadata_without_a_signature(box: Box) -> None:
    (box.shop.current() / "repodata" / "repomd.xml.asc").unlink()
    refused(box, "repomd.xml.asc")


def test_dnf_refuses_metadata_signed_by_a_foreign_key(box: Box, foreign_key: SigningKey) -> None:
    rewrite_metadata(box.shop.current(), foreign_key)
    refused(box, "repomd.xml GPG signature verification error")


def test_dnf_installs_from_the_folder_an_installer_carries(box: Box, tmp_path: Path) -> None:
    repo.export_media(box.shop.root, "testing", tmp_path / "media", key=box.shop.key, epoch=EPOCH, el=9)
    assert len(read_repository(tmp_path / "media")) == 2
    plain = f"--repofrompath=media,file://{tmp_path / 'media'}"
    checks = ["--setopt=media.gpgcheck=1", "--setopt=media.repo_gpgcheck=1"]
    checks.append(f"--setopt=media.gpgkey=file://{box.shop.root}/{layout.PUBLIC_KEY}")
    done = box.dnf("--repo=media", plain, *checks, "install", "meta")
    assert done.returncode == 0, done.stderr
    assert "engine-1.0-1.lab.noarch" in box.installed()


@pytest.mark.lab("createrepo_c")
def test_the_metadata_says_what_the_createrepo_tool_says(box: Box, tmp_path: Path) -> None:
    """The library and the command of the same name describe the packages in the same words."""
    copied = tmp_path / "copied"
    shutil.copytree(box.shop.current() / "packages", copied / "packages")
    subprocess.run(["createrepo_c", "--quiet", str(copied)], check=True)
    ours = [createrepo_c.xml_dump_primary(p.record) for p in read_repository(box.shop.current())]
    theirs = [createrepo_c.xml_dump_primary(p.record) for p in read_repository(copied)]
    assert ours == theirs
