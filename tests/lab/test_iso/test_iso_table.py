"""Every kind of base with every kind of change, as BIOS and UEFI find it on a CD and on a USB stick."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Tuple

import pytest

from support import firmware, media
from support.media import Medium
from support.small_rpms import Shop
from switchroom.build.iso import build, closure, content, lab_base, xorriso
from switchroom.build.iso.base import open_base
from switchroom.build.iso.closure import Repositories
from switchroom.build.iso.graft import PADDING
from switchroom.build.iso.labels import kernel_label
from switchroom.build.kickstart.packages import Solved
from switchroom.build.repo.metadata import RepoPackage
from switchroom.core.files import sha256

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
DVD = {
    **LIGHT,
    "images/install.img": bytes(range(256)) * 4000,
    'Extra/Packages/a/a b\'s "c".rpm': b"rpm" * 1000,
    **{
        f"AppStream/Packages/{n % 26}/package-with-a-rather-long-name-{n}-1.0-1.el9.noarch.rpm": b"%d" % n
        for n in range(300)
    },
}
ODD = {**LIGHT, "ks.cfg": SECRET, "EFI/BOOT/grub.cfg": ODD_GRUB}
# A DVD and a minimal ISO have two sessions, as the distributions make them; the flat ones have one.
BASES = {
    "el9-boot": Medium(kind="boot", files=LIGHT, label="Rocky-9-6-x86_64-dvd"),
    "el9-dvd": Medium(kind="dvd", family="AlmaLinux", files=DVD),
    "el9-minimal": Medium(kind="minimal", files=LIGHT, label="Rocky-9-6-x86_64-dvd"),
    "el9-flat": Medium(files=LIGHT),
    "el9-odd": Medium(kind="dvd", files={**ODD, "isolinux/isolinux.cfg": ODD_ISOLINUX}, label="My old PBX"),
    "el9-remastered": Medium(
        files=LIGHT, extra=("-append_partition", "3", "0xef", "{esp}"), label="Remastered 9"
    ),
    "el10-boot": Medium(kind="boot", family="CentOS Stream", version="10", files=LIGHT, label="CentOS-10"),
    "el10-dvd": Medium(kind="dvd", family="CentOS Stream", version="10", files=DVD, label="CentOS-10"),
    "el10-minimal": Medium(kind="minimal", version="10.1", files=LIGHT, label="Rocky-10-1-x86_64-dvd"),
    "el10-flat": Medium(version="10.1", files=LIGHT),
    "el10-odd": Medium(
        kind="dvd", version="10.0", files={**ODD, "boot/grub2/grub.cfg": ODD_GRUB}, label="My old PBX"
    ),
    "el10-hidden-esp": Medium(version="10.1", files=LIGHT, extra=("-m", "efiboot.img")),
}
# Images of this product, of which each was made from the base named here, with its own kickstarts on it.
OWN = {"el9-own": "el9-dvd", "el10-own": "el10-dvd"}
IN_SHORT = ("el9-flat", "el10-flat", "el9-minimal", "el10-minimal", *OWN)


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
    for base in (*BASES, *OWN)
    for option in (("plain", "volume-id") if base in IN_SHORT else OPTIONS)
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

    def __init__(
        self, folder: Path, shop: Shop, sources: Mapping[int, str], distributions: Mapping[int, Path]
    ) -> None:
        self._folder, self._shop = folder, shop
        self._sources, self._distributions = sources, distributions
        (folder / "extra/sub").mkdir(parents=True)
        (folder / "extra/sub/rules 1.txt").write_text("rules")
        (folder / "updates").write_bytes(b"updates" * 999)
        self._esp = folder / "old-esp.img"
        xorriso.extract(lab_base.lab_base(build.cache_dir("iso"), "9"), {"images/efiboot.img": self._esp})
        self.base = functools.cache(self._base)
        self.image = functools.cache(self._image)

    def _base(self, name: str) -> Path:
        if name in OWN:
            return self.image(OWN[name], "plain").image
        medium = BASES[name]
        extra = tuple(word.format(esp=self._esp) for word in medium.extra)
        packages = self._distributions[int(medium.major)]
        changes = {"extra": extra, "distribution": packages}
        return media.el_medium(self._folder / name, dataclasses.replace(medium, **changes))

    def _image(self, base: str, option: str) -> Made:
        changes = dict(OPTIONS[option].order)
        if base.endswith("-boot"):
            changes["repositories"] = Repositories(source=self._sources[int(BASES[base].major)])
        if "added" in changes:
            changes["added"] = {"docs/of ours": self._folder / "extra"}
            changes["updates"] = self._folder / "updates"
        path, out = self.base(base), self._folder / f"{base}-{option}.iso"
        told = media.Told()
        media.make(self._shop, out, told, base=str(path), series=(media.S22,), **changes)
        return Made(out, path, str(changes.get("volume_id", self._default(path))), told.text)

    @staticmethod
    def _default(path: Path) -> str:
        return f"Switchroom-{open_base(path).major}-x86_64"


class Solver:
    """Asks dnf once for each set of repositories with the same content."""

    def __init__(self, real: Callable[..., Solved]) -> None:
        self._real = real
        self._known: Dict[object, Solved] = {}

    def __call__(
        self, repositories: Mapping[str, str], names: Iterable[str], el: int, scratch: Path
    ) -> Solved:
        wanted = list(names)
        key = (el, tuple(wanted), *((name, self._content(url)) for name, url in repositories.items()))
        if key not in self._known:
            self._known[key] = self._real(repositories, wanted, el, scratch)
        return self._known[key]

    @staticmethod
    def _content(url: str) -> str:
        here = url.startswith("file://")
        return sha256(Path(url.removeprefix("file://"), "repodata/repomd.xml")) if here else url


@pytest.fixture(scope="module")
def factory(
    tmp_path_factory: pytest.TempPathFactory,
    el_shop: Shop,
    sources: Mapping[int, str],
    distributions: Mapping[int, Path],
) -> Iterator[Factory]:
    """Builds in full, but for what other tests cover: kickstart checks, packages signed and resolved anew."""
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
        patch.setattr(closure, "solve", Solver(closure.solve))
        yield Factory(folder, el_shop, sources, distributions)


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
    started = firmware.bios_image(made.image, len(loader))
    assert (started[:8], started[24:]) == (loader[:8], loader[24:]), "more than its table differs"
    assert firmware.head(made.image, 440) == firmware.head(made.base, 440)
    firmware.check_partition_tables(made.image)
    firmware.check_boot_info(made.image)
    isolinux = new.bios_menu.startswith("isolinux")
    firmware.check_mbr(made.image, 0 if isolinux else 4)
    # ISOLINUX begins where its table says, GRUB at the image's first descriptor.
    descriptor = firmware.boot_info(made.image).descriptor if isolinux else 16
    menu = firmware.seen_from(made.image, descriptor, new.bios_menu).decode()
    return menu, ("append",) if isolinux else ("linux",)


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
    expected |= {str(open_base(made.base).layout.bios_image)}  # its boot info table
    assert changed <= expected
    assert new["docs/of ours/sub/rules 1.txt"] == b"rules"
    assert new["images/updates.img"] == b"updates" * 999


def tree(image: Path, folder: Path) -> Dict[str, bytes]:
    # By xorriso itself: media hold what is neither file nor folder, which our own extraction refuses.
    argv = ["xorriso", "-no_rc", "-osirrox", "on", "-indev", f"stdio:{image}", "-extract", "/", str(folder)]
    subprocess.run(argv, check=True, capture_output=True)
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
