"""Debian's source package becomes what upstream would have published."""

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from support.debian_source import write_source_package, write_tar
from switchroom.build.debian.adapt import adapt
from switchroom.build.debian.sounds import SOUND_SETS, repack
from switchroom.build.tarball import read_tree
from switchroom.core.errors import SwitchroomError


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "debian"
    folder.mkdir()
    write_source_package(folder)
    return folder


def adapted(package: Path, target: Path) -> Path:
    target.mkdir()
    adapt(package, target)
    return target


def test_tarballs_are_named_and_laid_out_as_upstreams(package: Path, tmp_path: Path) -> None:
    target = adapted(package, tmp_path / "made")
    assert {path.name for path in target.iterdir()} == {
        "asterisk-22.99.0.tar.gz",
        "asterisk-mp3.tar.gz",
        "asterisk-opus.tar.gz",
        "pjproject-2.17.tar.bz2",
    }
    with tarfile.open(target / "asterisk-22.99.0.tar.gz") as archive:
        names = archive.getnames()
        assert names == sorted(names)
        assert {name.split("/")[0] for name in names} == {"asterisk-22.99.0"}
        assert {(member.uid, member.uname) for member in archive} == {(0, "")}
    with tarfile.open(target / "pjproject-2.17.tar.bz2") as archive:
        assert {name.split("/")[0] for name in archive.getnames()} == {"pjproject-2.17"}


def test_the_mp3_decoder_lies_as_asterisks_addons_want_it(package: Path, tmp_path: Path) -> None:
    with tarfile.open(adapted(package, tmp_path / "made") / "asterisk-mp3.tar.gz") as archive:
        assert archive.getnames() == ["mp3/interface.c", "mp3/mpg123.h"]


def test_what_debian_removed_is_no_longer_asked_for(package: Path, tmp_path: Path) -> None:
    target = adapted(package, tmp_path / "made")
    asterisk = read_tree(target / "asterisk-22.99.0.tar.gz", strip=1)
    pjproject = read_tree(target / "pjproject-2.17.tar.bz2", strip=1)
    assert "codecs/codec_ilbc.c" not in asterisk
    assert asterisk["codecs/Makefile"].data == b"SUB_DIRS := \\\n\t$(SUB_GSM) \\\n\t$(SUB_LPC10)\n"
    assert pjproject["pjmedia/build/Makefile"].data == b"OBJS = alsa_dev.o bb10_dev.o \\\n"
    assert asterisk["main/asterisk.c"].data == b"int main(void) { return 0; }\n"


def test_stated_checksum_is_that_of_the_repacked_pjproject(package: Path, tmp_path: Path) -> None:
    target = adapted(package, tmp_path / "made")
    asterisk = read_tree(target / "asterisk-22.99.0.tar.gz", strip=1)
    stated = asterisk["third-party/pjproject/pjproject-2.17.tar.bz2.md5"].data.decode()
    real = hashlib.md5((target / "pjproject-2.17.tar.bz2").read_bytes(), usedforsecurity=False).hexdigest()
    assert stated == f"{real}  pjproject-2.17.tar.bz2\n"


def test_same_package_gives_the_same_bytes(package: Path, tmp_path: Path) -> None:
    first, second = adapted(package, tmp_path / "one"), adapted(package, tmp_path / "two")
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_unknown_shape_is_named(package: Path, tmp_path: Path) -> None:
    next(package.glob("*Xpjproject*")).unlink()
    with pytest.raises(SwitchroomError) as caught:
        adapted(package, tmp_path / "made")
    assert "orig-Xpjproject" in caught.value.cause


def test_truncated_tarball_is_an_error_that_names_it(package: Path, tmp_path: Path) -> None:
    tarball = next(package.glob("*.orig.tar.xz"))
    tarball.write_bytes(tarball.read_bytes()[: tarball.stat().st_size // 2])
    with pytest.raises(SwitchroomError, match="not a whole tarball") as caught:
        adapted(package, tmp_path / "made")
    assert tarball.name in caught.value.message


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="only Debian has dpkg-deb")
def test_sounds_lie_at_the_top_with_their_licence(tmp_path: Path) -> None:
    core = SOUND_SETS[0]
    root = tmp_path / "root"
    for name, text in {
        "DEBIAN/control": f"Package: {core.package}\nVersion: 1.6.1-1\nArchitecture: all\n"
        "Maintainer: a <a@b.c>\nDescription: x\n",
        f"{core.folder}/digits/0.gsm": "zero",
        f"{core.folder}/vm-intro.gsm": "intro",
        f"usr/share/doc/{core.package}/copyright": "CC-BY-SA",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["dpkg-deb", "--build", root, tmp_path / "sounds.deb"], check=True, capture_output=True)
    tree = read_tree(repack(core, tmp_path / "sounds.deb", "1.6.1", tmp_path))
    assert {name for name, member in tree.items() if not member.folder} == {
        "digits/0.gsm",
        "vm-intro.gsm",
        f"LICENSE-{core.package}",
    }
    assert (tmp_path / "asterisk-core-sounds-en-gsm-1.6.1.tar.gz").is_file()


def test_hostile_member_names_go_nowhere(tmp_path: Path) -> None:
    write_tar(tmp_path / "bad.tar.xz", {"top/../../../etc/passwd": "x"})
    read_tree(tmp_path / "bad.tar.xz", strip=1)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.tar.xz"]
