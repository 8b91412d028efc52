"""The files of a bootable lab system: the base, and Debian's kernel, GRUB and dracut where EL has them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Mapping

import jsonschema
import yaml

from lab.base import ensure_base
from lab.rpms import debian
from switchroom.build import labmedia
from switchroom.build.workspace import cache_dir
from switchroom.core import process

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class System:
    """The data as ``system.schema.json`` describes it; paths are relative to the root."""

    suite: str
    debian: List[str]
    modules: List[str]
    links: Mapping[str, str]
    remove: List[str]
    files: Mapping[str, str]
    provides: List[str]
    efi_modules: List[str]


def load_system() -> System:
    """Return the checked data; raises jsonschema's ValidationError if it is malformed."""
    data: dict[str, Any] = yaml.safe_load((HERE / "system.yml").read_text())
    jsonschema.validate(data, json.loads((HERE / "system.schema.json").read_text()))
    return System(**data)


def lay_out(system: System, root: Path, scratch: Path) -> str:
    """Fill the new folder ``root``; return the kernel's release. Needs to be root, for dracut runs in it."""
    scratch.mkdir()
    process.run(["cp", "--archive", ensure_base(), root], what="Copying the lab base")
    for package in debian.fetch(system.suite, system.debian).values():
        process.run(["dpkg-deb", "--extract", package, scratch / "deb"])
    _merge(scratch / "deb", root)
    for name in system.remove:
        path = root / name
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name, target in system.links.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    for name, text in system.files.items():
        (root / name).write_text(text)
        (root / name).chmod(0o755 if text.startswith("#!") else 0o644)
    kernel = _add_kernel(system, root, scratch / "kernel")
    _add_loader(system, root)
    return kernel


def _merge(source: Path, root: Path) -> None:
    """Copy files over a root whose ``/bin``, ``/lib`` … are links, which ``cp`` would refuse to follow."""
    for path in sorted(source.iterdir()):
        place = root / "usr" / path.name if (root / path.name).is_symlink() else root / path.name
        process.run(["cp", "--archive", "--no-target-directory", path, place])


def _add_kernel(system: System, root: Path, scratch: Path) -> str:
    process.run(["dpkg-deb", "--extract", labmedia.kernel_package(cache_dir("lab")), scratch])
    (source,) = (scratch / "lib/modules").iterdir()
    home = root / "usr/lib/modules" / source.name
    for name in system.modules:
        place = home / "kernel" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        process.run(["cp", "--archive", source / "kernel" / name, place])
    for path in source.glob("modules.*"):
        shutil.copyfile(path, home / path.name)
    shutil.copyfile(scratch / f"boot/vmlinuz-{source.name}", home / "vmlinuz")
    _inside(root, "depmod", source.name)
    image = f"/usr/lib/modules/{source.name}/initramfs.img"
    _inside(root, "dracut", "--no-hostonly", "--gzip", "--add", "lvm", image, source.name)
    return source.name


def _add_loader(system: System, root: Path) -> None:
    """Leave what shim's and GRUB's packages leave for the EFI system partition; this GRUB is not signed."""
    grub = "boot/efi/EFI/lab/grubx64.efi"
    for vendor in ("lab", "BOOT"):
        (root / "boot/efi/EFI" / vendor).mkdir(parents=True)
    words = ["grub-mkimage", "--format=x86_64-efi", "--prefix=/EFI/lab", f"--output=/{grub}"]
    _inside(root, *words, *system.efi_modules)
    shutil.copyfile(root / grub, root / "boot/efi/EFI/BOOT/BOOTX64.EFI")


def _inside(root: Path, *words: str) -> None:
    """Run a program of the root with what it expects of a system, in namespaces that end with it."""
    mounts = (
        'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && mount -t sysfs -o ro sysfs "$0/sys"'
        ' && mount -t tmpfs tmpfs "$0/tmp" && exec chroot "$@"'
    )
    contain = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    environment = {"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8"}
    process.run(
        [*contain, "sh", "-euc", mounts, root, root, *words], what=f"Running {words[0]}", env=environment
    )
