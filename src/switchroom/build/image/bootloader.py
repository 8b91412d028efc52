"""Makes the image start on both firmwares, with the new system's own GRUB.

UEFI starts what shim's and GRUB's packages left for the EFI system partition. For BIOS the boot sector and
the core image are put where GRUB's own set-up would put them; it cannot be asked, for it looks for the disk
among this machine's. Places in these files: GRUB's include/grub/i386/pc/boot.h; osbuild's stage
``org.osbuild.grub2.inst`` does so too.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import List, Sequence

from switchroom.build.image.inside import inside
from switchroom.build.image.storage import FileSystem, loop
from switchroom.build.kickstart.render import environment
from switchroom.core.errors import SwitchroomError
from switchroom.core.process import Arg, run

_SECTOR = 512
_MODULES = Path("usr/lib/grub/i386-pc")
_CORE = ("biosdisk", "part_gpt", "xfs", "search", "search_fs_uuid", "normal", "configfile")
_BOOT_CODE = 440  # bytes before the disk's signature
_KERNEL_SECTOR, _DRIVE_CHECK, _FIRST_BLOCK = 0x5C, 0x66, 0x1F4
_NO_OPERATION = b"\x90\x90"  # over a jump that only diskettes need


def prepare(root: Path, arguments: Sequence[str]) -> None:
    """Say how kernels are to be started, before one is installed: its scriptlets write its boot entry."""
    line = " ".join(arguments)
    for name in ("etc/kernel", "etc/default", "etc/sysconfig"):
        (root / name).mkdir(parents=True)
    (root / "etc/kernel/cmdline").write_text(line + "\n")
    (root / "etc/sysconfig/kernel").write_text("UPDATEDEFAULT=yes\nDEFAULTKERNEL=kernel-core\n")
    (root / "etc/default/grub").write_text(_text("grub-defaults", arguments=line))


def install(root: Path, image: Path, systems: Sequence[FileSystem]) -> None:
    """Install GRUB for BIOS and UEFI; SwitchroomError when the system has no kernel to start."""
    entries = sorted((root / "boot/loader/entries").glob("*.conf"))
    if not entries:
        raise SwitchroomError(
            "The new system has no boot entry for a kernel.",
            hint="The package 'kernel' writes one when it is installed: does the base have it?",
        )
    place = {one.name: one for one in systems}
    write_menu(root, place["boot"], entries)
    _install_bios(root, image, place["biosboot"], place["boot"])
    _install_uefi(root, image, place["boot_efi"], place["boot"])


def write_menu(root: Path, boot: FileSystem, entries: Sequence[Path]) -> None:
    """Write the menu; where GRUB cannot read boot entries by itself, as the lab's, they stand in it."""
    grub = root / "boot/grub2"
    shutil.copytree(root / _MODULES, grub / _MODULES.name, ignore=shutil.ignore_patterns("*.img"))
    alone = (root / _MODULES / "blscfg.mod").is_file()
    parsed = [] if alone else [_entry(path) for path in entries]
    (grub / "grub.cfg").write_text(_text("grub", boot=boot.uuid, entries=parsed))
    inside(root, "grub2-editenv", "/boot/grub2/grubenv", "create")


def _entry(path: Path) -> dict[str, str]:
    """Return the keys of a boot entry (Boot Loader Specification, type 1)."""
    rows = (line.partition(" ") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {key: value.strip() for key, _, value in rows}


def _install_bios(root: Path, image: Path, home: FileSystem, boot: FileSystem) -> None:
    core = _core(root, boot)
    if len(core) > home.size:
        raise SwitchroomError(f"GRUB's core image of {len(core)} bytes does not fit into '{home.name}'.")
    first = home.offset // _SECTOR
    code = bytearray((root / _MODULES / "boot.img").read_bytes()[:_BOOT_CODE])
    code[_KERNEL_SECTOR : _KERNEL_SECTOR + 8] = first.to_bytes(8, "little")
    code[_DRIVE_CHECK : _DRIVE_CHECK + 2] = _NO_OPERATION
    core[_FIRST_BLOCK : _FIRST_BLOCK + 8] = (first + 1).to_bytes(8, "little")
    with image.open("r+b") as stream:
        stream.write(code)
        stream.seek(home.offset)
        stream.write(core)


def _core(root: Path, boot: FileSystem) -> bytearray:
    scratch = root / "root/.grub"
    scratch.mkdir(mode=0o700)
    (scratch / "early.cfg").write_text(_search(boot))
    options: List[Arg] = ["--format=i386-pc", f"--directory=/{_MODULES}", "--prefix=/grub2"]
    files: List[Arg] = ["--config=/root/.grub/early.cfg", "--output=/root/.grub/core.img"]
    inside(root, "grub2-mkimage", *options, *files, *_CORE, what="Making GRUB's core image")
    core = bytearray((scratch / "core.img").read_bytes())
    shutil.rmtree(scratch)
    return core


def _install_uefi(root: Path, image: Path, home: FileSystem, boot: FileSystem) -> None:
    """Fill the EFI system partition with what the packages left for it; GRUB in it goes on with the menu."""
    tree = root / "boot/efi/EFI"
    for loader in tree.glob("*/grubx64.efi"):
        loader.with_name("grub.cfg").write_text(_search(boot) + "configfile $prefix/grub.cfg\n")
    if not (tree / "BOOT/BOOTX64.EFI").is_file():
        raise SwitchroomError(
            "The new system's packages left no 'EFI/BOOT/BOOTX64.EFI': UEFI could not start it."
        )
    with loop(image, home.offset, home.size) as device:
        environment = {"MTOOLS_SKIP_CHECK": "1"}
        run(
            ["mcopy", "-s", "-i", device, tree, "::/"],
            what="Filling the EFI system partition",
            env=environment,
        )
    shutil.rmtree(tree)


def _search(boot: FileSystem) -> str:
    return f"search --no-floppy --fs-uuid --set=root {boot.uuid}\nset prefix=($root)/grub2\n"


def _text(name: str, **values: object) -> str:
    return environment().get_template(f"image/{name}.j2").render(**values)
