"""Every kind of base with every kind of change, as BIOS and UEFI find it on a CD and on a USB stick."""

from __future__ import annotations

import contextlib
import functools
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Tuple

import pytest

from support import firmware, media
from support.media import Medium
from support.small_rpms import Shop
from switchroom.build.iso import build, content, lab_base, xorriso
from switchroom.build.iso.base import open_base
from switchroom.build.iso.closure import Repositories
from switchroom.build.iso.graft import PADDING
from switchroom.build.iso.labels import kernel_label
from switchroom.build.repo.metadata import RepoPackage

pytestmark = pytest.mark.lab("xorriso", "mcopy", "mtype", "checkisomd5", "rpmbuild", "createrepo_c")

SECRET = b"rootpw --plaintext of-the-base\n"
# What trips mkksiso: a bare "append", tabs, quoted labels, labels with spaces, a kickstart of its own.
ODD_ISOLINUX = b"""default\tvesamenu.c32
label "the old one"
\tmenu label Install
\tkernel\tvmlinuz
\tappend\tinitrd=initrd.img\tinst.ks=hd:LABEL=My\\x20old\\x20PBX:/ks.cfg\tmodprobe.blacklist=nouveau
label bare
  kernel memtest
  append
"""
ODD_GRUB = b"""menuentry 'Install' {
\tlinuxefi\t/images/pxeboot/vmlinuz inst.ks=hd:LABEL=My\\x20old\\x20PBX:/ks.cfg
}
"""
LIGHT = {"images/pxeboot/vmlinuz": b"kernel" * 100, "images/pxeboot/initrd.img": b"initrd" * 100}
BOOT = ("BaseOS",)
DVD = {
    **LIGHT,
    "images/install.img": bytes(range(256)) * 4000,
    'Minimal/Packages/a/a b\'s "c".rpm': b"rpm" * 1000,
    **{
        f"AppStream/Packages/{n % 26}/package-with-a-rather-long-name-{n}-1.0-1.el9.noarch.rpm": b"%d" % n
        for n in range(300)
    },
}
ODD = {**LIGHT, "ks.cfg": SECRET, "EFI/BOOT/grub.cfg": ODD_GRUB}
BASES = {
    "el9-boot": Medium(without=BOOT, files=LIGHT),
    "el9-dvd": Medium(family="AlmaLinux", without=BOOT, files=DVD),
    "el9-odd": Medium(without=BOOT, files={**ODD, "isolinux/isolinux.cfg": ODD_ISOLINUX}, label="My old PBX"),
    "el9-remastered": Medium(
        without=BOOT, files=LIGHT, extra=("-append_partition", "3", "0xef", "{esp}"), label="Remastered 9"
    ),
    "el10-boot": Medium(version="10.1", without=BOOT, files=LIGHT, label="Rocky-10-1-x86_64-dvd"),
    "el10-dvd": Medium(family="CentOS Stream", version="10", without=BOOT, files=DVD, label="CentOS-10"),
    "el10-odd": Medium(
        version="10.0", without=BOOT, files={**ODD, "boot/grub2/grub.cfg": ODD_GRUB}, label="My old PBX"
    ),
    "el10-hidden-esp": Medium(version="10.1", without=BOOT, files=LIGHT, extra=("-m", "efiboot.img")),
}


@dataclass(frozen=True)
class Option:
    """Changes to the order, and what every kernel then gets or lacks."""

    order: Mapping[str, Any] = field(default_factory=dict)
    present: Tuple[str, ...] = ()
    absent: Tuple[str, ...] = ()


OPTIONS = {
    "plain": Option(present=("quiet",)),
    "volume-id": Option({"volume_id": 'It\'s "9"/#1 \\ $x;{|}<@>'}),
    "arguments": Option(
        {"boot_add": ["net.ifnames=0", "inst.sshd"], "boot_remove": ["quiet", "console=tty0"]},
        ("net.ifnames=0", "inst.sshd"),
        ("quiet", "console=tty0"),
    ),
    "files": Option(
        {"volume_id": "My PBX 1", "added": "extra", "updates": "updates"},
        (r"inst.updates=hd:LABEL=My\x20PBX\x201:/images/updates.img",),
    ),
}
CASES = [
    pytest.param(base, option, kind, id=f"{base}-{option}-{kind}")
    for base in BASES
    for option in OPTIONS
    for kind in ("bios", "uefi")
]


@dataclass(frozen=True)
class Made:
    """An image, its base, and the volume id it was ordered with."""

    image: Path
    base: Path
    label: str
    told: str


class Factory:
    """Makes each base and each image once."""

    def __init__(self, folder: Path, shop: Shop, mirrors: Mapping[int, Repositories]) -> None:
        self._folder, self._shop, self._mirrors = folder, shop, mirrors
        (folder / "extra/sub").mkdir(parents=True)
        (folder / "extra/sub/rules 1.txt").write_text("rules")
        (folder / "updates").write_bytes(b"updates" * 999)
        self._esp = folder / "old-esp.img"
        xorriso.extract(lab_base.lab_base(build.cache_dir("iso"), "9"), {"images/efiboot.img": self._esp})
        self.base = functools.cache(self._base)
        self.image = functools.cache(self._image)

    def _base(self, name: str) -> Path:
        medium = BASES[name]
        extra = tuple(word.format(esp=self._esp) for word in medium.extra)
        return media.el_medium(self._folder / name, Medium(**{**vars(medium), "extra": extra}))

    def _image(self, base: str, option: str) -> Made:
        changes = {"repositories": self._mirrors[int(BASES[base].major)], **OPTIONS[option].order}
        if "added" in changes:
            changes["added"] = {"docs/of ours": self._folder / "extra"}
            changes["updates"] = self._folder / "updates"
        path, out = self.base(base), self._folder / f"{base}-{option}.iso"
        told = Told()
        media.make(self._shop, out, told, base=str(path), series=(media.S22,), **changes)
        return Made(out, path, str(changes.get("volume_id", self._default(path))), told.text)

    @staticmethod
    def _default(path: Path) -> str:
        return f"Switchroom-{open_base(path).major}-x86_64"


class Told(media.Reporter):
    """Keeps what a build says."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.text = ""

    def say(self, text: str) -> None:
        self.text += text + "\n"


@pytest.fixture(scope="module")
def factory(
    tmp_path_factory: pytest.TempPathFactory, el_shop: Shop, mirrors: Mapping[int, Repositories]
) -> Iterator[Factory]:
    """Builds in full, but for the parts that other tests cover: kickstart checks, signing packages anew."""
    folder = tmp_path_factory.mktemp("table")
    exported: Dict[int, Tuple[RepoPackage, ...]] = {}
    real = build.export_media

    def once(*args: Any, el: int, **options: Any) -> Tuple[RepoPackage, ...]:
        made = folder / f"exported-{el}"
        if el not in exported:
            exported[el] = real(*args[:2], made, el=el, **options)
        shutil.copytree(made, args[2])
        return exported[el]

    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(build, "export_media", once)
        patch.setattr(content, "check", lambda *_: None)
        yield Factory(folder, el_shop, mirrors)


def commands(text: str, words: Tuple[str, ...]) -> List[List[str]]:
    """Return the arguments of all lines of a menu that begin with one of these words."""
    return [line.split()[1:] for line in text.splitlines() if line.split()[:1] and line.split()[0] in words]


@pytest.mark.parametrize(("base", "option", "kind"), CASES)
def test_image(factory: Factory, tmp_path: Path, base: str, option: str, kind: str) -> None:
    made = factory.image(base, option)
    assert firmware.label(made.image) == made.label
    menu, starting = (bios if kind == "bios" else uefi)(made, tmp_path)
    kernels = commands(menu, starting)
    assert len(kernels) == 6
    stage2 = f"inst.stage2=hd:LABEL={kernel_label(made.label)}"
    for words in kernels:
        assert stage2 in words
        assert not [word for word in words if "old" in word or "nouveau" in word]
        assert not set(OPTIONS[option].absent) & set(words)
        assert set(OPTIONS[option].present) - {"quiet"} <= set(words)
    assert any("quiet" in words for words in kernels) == ("quiet" not in OPTIONS[option].absent)


def bios(made: Made, folder: Path) -> Tuple[str, Tuple[str, ...]]:
    """Assert that BIOS finds the base's own loader on CD and stick; return the menu it shows."""
    new, old = open_base(made.image), open_base(made.base)
    assert new.layout.bios_image == old.layout.bios_image
    loader = extracted(made.base, str(old.layout.bios_image), folder)
    assert firmware.bios_image(made.image, len(loader)) == loader
    assert firmware.head(made.image, 440) == firmware.head(made.base, 440)
    firmware.check_partition_tables(made.image)
    isolinux = new.bios_menu.startswith("isolinux")
    return extracted(made.image, new.bios_menu, folder).decode(), ("append",) if isolinux else ("linux",)


def uefi(made: Made, folder: Path) -> Tuple[str, Tuple[str, ...]]:
    """Assert that UEFI finds the new menu wherever it looks, inside the media checksum; return the menu."""
    copies = [*firmware.esp_on_cd(made.image), *firmware.esp_on_disk(made.image)]
    assert {who for who, _ in copies} >= {"El Torito", "GPT"}
    shim = Path("/usr/lib/shim/shimx64.efi.signed").read_bytes()
    quoted = made.label.replace("'", "'\\''")
    for _, offset in set(copies):
        text = firmware.esp_file(made.image, offset, "EFI/BOOT/grub.cfg").decode()
        assert text.startswith(f"search --no-floppy --set=root --label '{quoted}'\n")
        assert firmware.esp_file(made.image, offset, "EFI/BOOT/BOOTX64.EFI") == shim
        assert offset < firmware.volume_size(made.image) - PADDING * firmware.BLOCK
    assert firmware.volume_size(made.image) == made.image.stat().st_size
    return extracted(made.image, "EFI/BOOT/grub.cfg", folder).decode(), ("linux",)


def extracted(image: Path, name: str, folder: Path) -> bytes:
    xorriso.extract(image, {name: folder / "extracted"})
    return (folder / "extracted").read_bytes()


@pytest.mark.parametrize("base", BASES)
def test_all_else_of_the_base_stays_and_the_media_check_passes(
    factory: Factory, tmp_path: Path, base: str
) -> None:
    made = factory.image(base, "files")
    assert subprocess.run(["checkisomd5", made.image], check=False, capture_output=True).returncode == 0
    old, new = tree(made.base, tmp_path / "old"), tree(made.image, tmp_path / "new")
    changed = {name for name in old if old[name] != new.get(name)}
    menus = {"isolinux/isolinux.cfg"} if base.startswith("el9") else {"boot/grub2/grub.cfg"}
    expected = {*menus, "EFI/BOOT/grub.cfg", ".treeinfo", "images/efiboot.img", "ks.cfg"}
    assert changed <= expected
    assert new["docs/of ours/sub/rules 1.txt"] == b"rules"
    assert new["images/updates.img"] == b"updates" * 999


def tree(image: Path, folder: Path) -> Dict[str, bytes]:
    xorriso.extract(image, {"": folder})
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("base", ["el9-odd", "el10-odd"])
def test_a_kickstart_of_the_base_is_replaced_with_a_word_about_it(factory: Factory, base: str) -> None:
    made = factory.image(base, "plain")
    assert r"a kickstart of its own, 'hd:LABEL=My\x20old\x20PBX:/ks.cfg'; ours replaces it" in made.told
    assert ("passes 'modprobe.blacklist=nouveau' to the kernel" in made.told) == base.startswith("el9")
    assert SECRET in made.base.read_bytes()
    assert SECRET not in made.image.read_bytes()


def test_the_hidden_partition_is_no_file_of_its_base(factory: Factory) -> None:
    assert "images/efiboot.img" not in open_base(factory.base("el10-hidden-esp")).files


def test_only_one_tree_is_left_to_be_found_on_a_stick(factory: Factory) -> None:
    """EL10's media have a second one in their first partition: it would show the base's files and label."""
    base, image = factory.base("el10-boot"), factory.image("el10-boot", "plain").image
    second = 64 * firmware.SECTOR + 16 * firmware.BLOCK
    assert firmware.head(base)[second : second + 6] == b"\x01CD001"
    assert firmware.head(image)[second : second + 6] == bytes(6)
