"""The lab's stand-in for an EL9 boot medium: the same layout, made from this Debian machine's own packages.

Signed shim, GRUB, isolinux, a kernel and an initial RAM disk that shows its command line. No Anaconda, no
packages: it proves boot loaders, menus and command lines, and nothing beyond.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Dict, List, Sequence

from switchroom.build import labmedia
from switchroom.build.iso import esp
from switchroom.build.iso.base import (
    ARCH,
    BIOS_LOADER,
    BIOS_MENU,
    ESP,
    GRUB,
    GRUB_MENU,
    INITRD,
    KERNEL,
    LAB_FAMILY,
    MAJOR,
    SHIM,
)
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256, staging
from switchroom.core.process import Arg, require, run

VOLUME_ID = "Switchroom Lab 9 x86_64"
_EPOCH = 1700000000  # any fixed date: the stand-in has no release
_SYSLINUX = Path("/usr/lib/syslinux/modules/bios")
_ISOLINUX = Path("/usr/lib/ISOLINUX")
_SHIM = Path("/usr/lib/shim/shimx64.efi.signed")
_MOKMANAGER = Path("/usr/lib/shim/mmx64.efi.signed")
_FONT = Path("/usr/share/grub/unicode.pf2")
_NEEDED = {
    _ISOLINUX / "isolinux.bin": "isolinux",
    _ISOLINUX / "isohdpfx.bin": "isolinux",
    _SYSLINUX / "vesamenu.c32": "syslinux-common",
    _SHIM: "shim-signed",
    Path("/usr/lib/grub/x86_64-efi/linux.mod"): "grub-efi-amd64-bin",
    _FONT: "grub-common",
}
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
_TREEINFO = f"""\
[general]
family = {LAB_FAMILY}
version = {MAJOR}
arch = {ARCH}
name = {LAB_FAMILY} {MAJOR}
platforms = {ARCH},xen
variant =

[checksums]
{ESP} = sha256:@ESP@

[tree]
arch = {ARCH}
platforms = {ARCH},xen
"""


def lab_base(cache: Path) -> Path:
    """Return the stand-in as an ISO, made once for each kernel and recipe and kept in ``cache``."""
    _require_packages()
    require("grub-mkimage", "xorriso", "mkfs.vfat", "mcopy")
    kernel = labmedia.kernel(cache)
    recipe = hashlib.sha256(Path(__file__).read_bytes() + Path(labmedia.__file__).read_bytes()).hexdigest()
    image = cache / f"lab-base-{kernel.stem}-{recipe[:12]}.iso"
    if not image.is_file():
        with staging(cache) as folder:
            write_base(_tree(folder, kernel), folder / "new.iso", VOLUME_ID)
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


def _tree(folder: Path, kernel: Path) -> Path:
    tree = folder / "tree"
    _grub_image(folder / "grubx64.efi")
    (folder / "grub.cfg").write_text("echo 'This is the unchanged base.'\n")
    sources: Dict[str, Path] = {
        SHIM: _SHIM,
        GRUB: folder / "grubx64.efi",
        "EFI/BOOT/mmx64.efi": _MOKMANAGER,
        GRUB_MENU: folder / "grub.cfg",
    }
    esp.create(folder / "efiboot.img", sources, _EPOCH)
    modules = ("ldlinux.c32", "libcom32.c32", "libutil.c32", "vesamenu.c32")
    sources.update({f"isolinux/{name}": _SYSLINUX / name for name in modules})
    sources.update({BIOS_LOADER: _ISOLINUX / "isolinux.bin", ESP: folder / "efiboot.img", KERNEL: kernel})
    sources["EFI/BOOT/fonts/unicode.pf2"] = _FONT
    for name, source in sources.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, tree / name)
    labmedia.initrd({}, labmedia.INIT_SHOWING_COMMAND_LINE, tree / INITRD)
    (tree / BIOS_MENU).write_text("say This is the unchanged base.\n")
    (tree / ".treeinfo").write_text(_TREEINFO.replace("@ESP@", sha256(tree / ESP)))
    (tree / ".discinfo").write_text(f"{_EPOCH}.0\n{LAB_FAMILY} {MAJOR}\n{ARCH}\n")
    return tree


def _grub_image(dest: Path) -> None:
    command: List[Arg] = ["grub-mkimage", "-O", "x86_64-efi", "-p", "/EFI/BOOT", "-o", dest, *_GRUB_MODULES]
    run(command, what="Making the lab's GRUB")


def write_base(tree: Path, image: Path, volume_id: str, extra: Sequence[Arg] = ()) -> None:
    """Write a tree of the EL9 layout as lorax does: isolinux and ESP in El Torito, isohybrid MBR and GPT.

    ``extra`` words go to xorriso's mkisofs emulation.
    """
    bios = ["-b", BIOS_LOADER, "-c", "isolinux/boot.cat", "-no-emul-boot"]
    bios += ["-boot-load-size", "4", "-boot-info-table"]
    uefi = ["-eltorito-alt-boot", "-e", ESP, "-no-emul-boot", "-isohybrid-gpt-basdat"]
    hybrid: List[Arg] = ["-isohybrid-mbr", _ISOLINUX / "isohdpfx.bin"]
    words: List[Arg] = ["xorriso", "-as", "mkisofs", "-quiet", "-o", image, "-V", volume_id, "-r", "-J"]
    run(
        [*words, *hybrid, *bios, *uefi, *extra, tree],
        what="Making the lab's stand-in base",
        env={"SOURCE_DATE_EPOCH": str(_EPOCH)},
    )
