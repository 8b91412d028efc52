"""The lab's stand-ins for boot media of EL9 and EL10: the same layouts, made from Debian's own packages.

Signed shim, GRUB, isolinux (EL9) or GRUB for BIOS (EL10), a kernel and an initial RAM disk that shows its
command line. No Anaconda, no packages: they prove boot loaders, menus and command lines, and nothing beyond.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Dict, Iterable, List, Sequence

from switchroom.build import labmedia
from switchroom.build.iso import esp
from switchroom.build.iso.base import (
    BIOS_GRUB,
    BIOS_MENUS,
    ESP,
    GRUB,
    GRUB_MENU,
    INITRD,
    ISOLINUX,
    KERNEL,
    SHIM,
)
from switchroom.build.iso.release import ARCH, LAB_FAMILY
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256, staging
from switchroom.core.process import Arg, require, run

_EPOCH = 1700000000  # any fixed date: the stand-in has no release
_SYSLINUX = Path("/usr/lib/syslinux/modules/bios")
_ISOLINUX = Path("/usr/lib/ISOLINUX")
_SHIM = Path("/usr/lib/shim/shimx64.efi.signed")
_MOKMANAGER = Path("/usr/lib/shim/mmx64.efi.signed")
_BIOS_MBR = Path("/usr/lib/grub/i386-pc/boot_hybrid.img")
_FONT = Path("/usr/share/grub/unicode.pf2")
_NEEDED = {
    _ISOLINUX / "isolinux.bin": "isolinux",
    _ISOLINUX / "isohdpfx.bin": "isolinux",
    _SYSLINUX / "vesamenu.c32": "syslinux-common",
    _SHIM: "shim-signed",
    Path("/usr/lib/grub/x86_64-efi/linux.mod"): "grub-efi-amd64-bin",
    _BIOS_MBR: "grub-pc-bin",
    _FONT: "grub-common",
}
_ESP_TYPE = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
_DATA_TYPE = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
# Those EL builds into its signed GRUB, as far as a menu needs them.
_GRUB_MODULES = [
    "all_video",
    "boot",
    "cat",
    "configfile",
    "echo",
    "efi_gop",
    "efi_uga",
    "fat",
    "font",
    "gfxmenu",
    "gfxterm",
    "gzio",
    "halt",
    "iso9660",
    "linux",
    "loopback",
    "ls",
    "minicmd",
    "normal",
    "part_gpt",
    "part_msdos",
    "png",
    "reboot",
    "search",
    "search_fs_file",
    "search_fs_uuid",
    "search_label",
    "serial",
    "sleep",
    "test",
    "true",
    "video",
]
_EFI_ONLY = ("efi_gop", "efi_uga")
_TREEINFO = f"""\
[general]
family = {LAB_FAMILY}
version = @MAJOR@
arch = {ARCH}
name = {LAB_FAMILY} @MAJOR@
platforms = {ARCH},xen
variant =

[checksums]
{ESP} = sha256:@ESP@

[tree]
arch = {ARCH}
platforms = {ARCH},xen
"""


def lab_base(cache: Path, major: str) -> Path:
    """Return the stand-in as an ISO, made once for each kernel and recipe and kept in ``cache``."""
    _require_packages()
    require("grub-mkimage", "xorriso", "mkfs.vfat", "mcopy")
    kernel = labmedia.kernel(cache)
    recipe = hashlib.sha256(Path(__file__).read_bytes() + Path(labmedia.__file__).read_bytes()).hexdigest()
    image = cache / f"lab-base-el{major}-{kernel.stem}-{recipe[:12]}.iso"
    if not image.is_file():
        with staging(cache) as folder:
            write_base(_tree(folder, kernel, major), folder / "new.iso", f"Switchroom Lab {major} x86_64")
            (folder / "new.iso").replace(image)
    return image


def _require_packages() -> None:
    missing = sorted({package for path, package in _NEEDED.items() if not path.exists()})
    if missing:
        raise SwitchroomError(
            "The lab's stand-in base is made from Debian's packages, and some are missing on this machine.",
            cause=", ".join(missing),
            hint=f"Install with: apt-get install {' '.join(missing)}",
            code=ExitCode.REFUSED,
        )


def _tree(folder: Path, kernel: Path, major: str) -> Path:
    tree = folder / "tree"
    _grub_image(folder / "grubx64.efi", "x86_64-efi", "/EFI/BOOT", _GRUB_MODULES)
    (folder / "grub.cfg").write_text("echo 'This is the unchanged base.'\n")
    sources: Dict[str, Path] = {
        SHIM: _SHIM,
        GRUB: folder / "grubx64.efi",
        "EFI/BOOT/mmx64.efi": _MOKMANAGER,
        GRUB_MENU: folder / "grub.cfg",
    }
    esp.create(folder / "efiboot.img", sources, _EPOCH)
    sources.update({ESP: folder / "efiboot.img", KERNEL: kernel, "EFI/BOOT/fonts/unicode.pf2": _FONT})
    sources.update(_isolinux(folder) if major == "9" else _bios_grub(folder))
    for name, source in sources.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, tree / name)
    labmedia.initrd({}, labmedia.INIT_SHOWING_COMMAND_LINE, tree / INITRD)
    treeinfo = _TREEINFO.replace("@ESP@", sha256(tree / ESP)).replace("@MAJOR@", major)
    (tree / ".treeinfo").write_text(treeinfo)
    (tree / ".discinfo").write_text(f"{_EPOCH}.0\n{LAB_FAMILY} {major}\n{ARCH}\n")
    return tree


def _isolinux(folder: Path) -> Dict[str, Path]:
    modules = ("ldlinux.c32", "libcom32.c32", "libutil.c32", "vesamenu.c32")
    (folder / "isolinux.cfg").write_text("say This is the unchanged base.\n")
    return {
        **{f"isolinux/{name}": _SYSLINUX / name for name in modules},
        ISOLINUX: _ISOLINUX / "isolinux.bin",
        BIOS_MENUS[ISOLINUX]: folder / "isolinux.cfg",
    }


def _bios_grub(folder: Path) -> Dict[str, Path]:
    modules = ("biosdisk", *(name for name in _GRUB_MODULES if name not in _EFI_ONLY))
    _grub_image(folder / "eltorito.img", "i386-pc-eltorito", "/boot/grub2", modules)
    return {BIOS_GRUB: folder / "eltorito.img", BIOS_MENUS[BIOS_GRUB]: folder / "grub.cfg"}


def _grub_image(dest: Path, form: str, prefix: str, modules: Iterable[str]) -> None:
    command: List[Arg] = ["grub-mkimage", "-O", form, "-p", prefix, "-o", dest, *modules]
    run(command, what="Making the lab's GRUB")


def write_base(
    tree: Path, image: Path, volume_id: str, extra: Sequence[Arg] = (), *, joliet: bool = True
) -> None:
    """Write a tree as lorax does, with the boot structures of EL9 or, if it has no isolinux, of EL10.

    EL9: isolinux and ESP in El Torito, isohybrid MBR and GPT. EL10: GRUB in El Torito and MBR, the ESP
    appended as a partition behind the file system. ``extra`` words go to xorriso's mkisofs emulation.
    """
    loaders = _el9_loaders() if (tree / ISOLINUX).exists() else _el10_loaders(tree)
    words: List[Arg] = ["xorriso", "-as", "mkisofs", "-quiet", "-o", image, "-V", volume_id, "-r"]
    words += ["-J"] if joliet else []
    dated = ["--set_all_file_dates", f"={_EPOCH}"]
    run(
        [*words, "-iso-level", "3", *dated, *loaders, *extra, tree],
        what="Making the lab's stand-in base",
        env={"SOURCE_DATE_EPOCH": str(_EPOCH)},
    )


def _el9_loaders() -> List[Arg]:
    bios = [
        "-b",
        ISOLINUX,
        "-c",
        "isolinux/boot.cat",
        "-no-emul-boot",
        "-boot-load-size",
        "4",
        "-boot-info-table",
    ]
    uefi = ["-eltorito-alt-boot", "-e", ESP, "-no-emul-boot", "-isohybrid-gpt-basdat"]
    return ["-isohybrid-mbr", _ISOLINUX / "isohdpfx.bin", *bios, *uefi]


def _el10_loaders(tree: Path) -> List[Arg]:
    partition: List[Arg] = ["-append_partition", "2", _ESP_TYPE, tree / ESP, "-appended_part_as_gpt"]
    bios = ["-b", BIOS_GRUB, "-c", "boot.cat", "--boot-catalog-hide", "-no-emul-boot", "-boot-load-size", "4"]
    uefi = ["-eltorito-alt-boot", "-e", "--interval:appended_partition_2:all::", "-no-emul-boot"]
    hybrid: List[Arg] = [
        "--grub2-mbr",
        _BIOS_MBR,
        "-partition_offset",
        "16",
        "-iso_mbr_part_type",
        _DATA_TYPE,
    ]
    return [*hybrid, *partition, *bios, "-boot-info-table", "--grub2-boot-info", *uefi]
