"""Every reader of what a build is given, with broken inputs: a value or one clear error, and soon."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import subprocess
from pathlib import Path
from typing import Dict

import createrepo_c as cr
import pytest

from support.mutations import hold, lay
from switchroom.build.iso import boot_check, bootconf, layout, xorriso
from switchroom.build.iso.release import DISCINFO, TREEINFO, read_release
from switchroom.build.repo.metadata import read_repository
from switchroom.core.errors import SwitchroomError

DATA = Path(__file__).resolve().parents[1] / "data"
TREE = (
    b"[general]\nfamily = Rocky Linux\nversion = 9.6\narch = x86_64\n[variant-BaseOS]\nrepository = BaseOS\n"
)
GRUB = b"""menuentry 'Install Rocky Linux 9.6' --class red {
  linuxefi /images/vmlinuz inst.ks=hd:LABEL=X:/ks.cfg quiet
}
"""


def test_words_on_a_medium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = (DATA / "hostile/iso/layout-report.txt").read_bytes()

    def read(data: bytes) -> None:
        def extract(_image: Path, wanted: Dict[str, Path]) -> None:
            for name, place in wanted.items():
                place.write_bytes(data if name != DISCINFO else b"1\n9.6\nx86_64\n")

        monkeypatch.setattr(xorriso, "extract", extract)
        monkeypatch.setattr(xorriso, "read", lambda *_words, **_more: data.decode(errors="replace"))
        entries = bootconf.grub_entries(data.decode(errors="replace"))
        bootconf.isolinux_entries(data.decode(errors="replace"))
        for kickstart in bootconf.kickstarts(entries):
            bootconf.path_on_medium(kickstart)
        bootconf.unusual(entries)
        for files in ({TREEINFO}, {DISCINFO, "EFI/BOOT/grub.cfg", "switchroom/manifest.json"}):
            with contextlib.suppress(SwitchroomError):
                read_release(Path("a.iso"), frozenset(files), "X")
        layout.read_layout(Path("a.iso"))

    hold("medium", [TREE, GRUB, report, b'{"base": {"family": "Rocky Linux"}}'], read, tmp_path)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("image")
    for name in (
        "isolinux/isolinux.bin",
        "isolinux/isolinux.cfg",
        "images/pxeboot/vmlinuz",
        "EFI/BOOT/grub.cfg",
    ):
        lay(folder / "tree", name, b"x" * 3000)
    made = folder / "a.iso"
    options = ("-b", "isolinux/isolinux.bin", "-no-emul-boot", "-boot-info-table", "-V", "X", "-J")
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-o", made, *options, folder / "tree"], check=True)
    return made.read_bytes()[: 200 << 10]


def test_an_image(image: bytes, tmp_path: Path) -> None:
    def read(data: bytes) -> None:
        (place := tmp_path / "a.iso").write_bytes(data)
        list(boot_check.faults(place, {"isolinux/isolinux.cfg": "0" * 64}))
        layout.read_volume(place)

    at = range(16 * 2048, len(image), 2048)  # the first bytes matter: descriptors, catalog, folders
    samples = [image, *(image[:place] + b"\xff" * 64 + image[place + 64 :] for place in at[:24])]
    hold("image", samples, read, tmp_path)


@pytest.fixture(scope="module")
def repodata() -> Dict[str, bytes]:
    """The three lists of a repository of one package."""
    package = cr.Package()
    package.name, package.version, package.release, package.epoch, package.arch = "a", "1", "2", "0", "noarch"
    package.pkgId, package.checksum_type, package.location_href = "0" * 64, "sha256", "packages/a.rpm"
    package.rpm_sourcerpm = "a-1-2.src.rpm"
    package.requires = [("b", "GE", "0", "1", "2", False)]
    package.files = [("", "/usr/bin/", "a")]
    lists = {
        "primary": (cr.xml_dump_primary, "metadata", "common"),
        "filelists": (cr.xml_dump_filelists, "filelists", "filelists"),
        "other": (cr.xml_dump_other, "otherdata", "other"),
    }
    names = "http://linux.duke.edu/metadata"
    head = f'xmlns:rpm="{names}/rpm" packages="1"'
    return {
        kind: f'<{tag} xmlns="{names}/{space}" {head}>\n{dump(package)}</{tag}>'.encode()
        for kind, (dump, tag, space) in lists.items()
    }


@pytest.mark.parametrize("broken", ["primary", "filelists", "other"])
def test_repository_metadata(broken: str, repodata: Dict[str, bytes], tmp_path: Path) -> None:
    folder = tmp_path / "repository"

    def write(data: bytes) -> None:
        rows = ""
        for kind, text in {**repodata, broken: data}.items():
            packed = gzip.compress(text, 1)
            lay(folder, f"repodata/{kind}.xml.gz", packed)
            rows += _row(kind, packed)
        lay(folder, "repodata/repomd.xml", _repomd(rows))

    def read(data: bytes) -> None:
        write(data)
        for package in read_repository(folder):
            assert package.sha256 is not None
            tuple(package.requires + package.provides)
            tuple(package.files)

    write(repodata[broken])
    assert [package.file_name for package in read_repository(folder)] == ["a-1-2.noarch.rpm"]
    hold(broken, [repodata[broken]], read, tmp_path)


def _row(kind: str, packed: bytes) -> str:
    digest = hashlib.sha256(packed).hexdigest()
    place = f'<location href="repodata/{kind}.xml.gz"/>'
    return f'<data type="{kind}"><checksum type="sha256">{digest}</checksum>{place}</data>'


def _repomd(rows: str) -> bytes:
    return (
        f'<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision>{rows}</repomd>'.encode()
    )
