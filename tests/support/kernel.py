"""A Linux with the parts of the EL9 installer environment that the kickstart's %pre scripts use, for QEMU.

Kernel, modules and programs are this machine's own Debian packages; it stands in for Anaconda's environment.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Dict, List

from switchroom.build import labmedia
from switchroom.build.workspace import cache_dir
from switchroom.core.files import staging
from switchroom.core.process import output, require

# In no order: what each needs is read from the modules.
_MODULES = (
    "ahci",
    "isofs",
    "nvme",
    "sd_mod",
    "sr_mod",
    "usb-storage",
    "virtio_blk",
    "virtio_net",
    "virtio_pci",
    "xhci-pci",
)
_MODULE_FOLDERS = re.compile(
    r"lib/modules/[^/]+/kernel/"
    r"(arch/x86/crypto|block|crypto|drivers/(ata|block|cdrom|net|nvme/.*|scsi|usb/.*|virtio)"
    r"|fs/(isofs|nls)|lib|net/core)/[^/]+\.ko"
)
_PROGRAMS = (
    "awk",
    "bash",
    "cat",
    "findmnt",
    "grep",
    "lsblk",
    "lvm",
    "mkdir",
    "mount",
    "readlink",
    "sed",
    "setsid",
)


def lab_kernel() -> Path:
    """Return the kernel image every lab guest boots."""
    return labmedia.kernel(cache_dir("lab"))


def make_initrd(files: Dict[str, labmedia.Content], init_script: str, dest: Path) -> Path:
    """Write an initial RAM disk with the installer's programs, storage modules, and ``files``.

    ``init_script`` finds the modules as ``/modules/NN-NAME.ko``, to be loaded in that order.
    """
    modules = {f"modules/{number:02}-{path.name}": path for number, path in enumerate(storage_modules())}
    return labmedia.initrd({**_programs(), **modules, **files}, init_script, dest)


def storage_modules() -> List[Path]:
    """Return the storage modules of the lab's kernel and all they need, in the order to load them."""
    package = labmedia.kernel_package(cache_dir("lab"))
    selection = hashlib.sha256(_MODULE_FOLDERS.pattern.encode()).hexdigest()[:8]
    folder = package.with_suffix(f".modules-{selection}")
    if not folder.is_dir():
        with staging(folder.parent) as scratch:
            _unpack_modules(package, scratch / "modules")
            (scratch / "modules").replace(folder)
    return _in_order(folder, _MODULES)


def _unpack_modules(package: Path, folder: Path) -> None:
    folder.mkdir()
    for name, content in labmedia.package_files(package, lambda name: bool(_MODULE_FOLDERS.fullmatch(name))):
        (folder / Path(name).name).write_bytes(content)


def _in_order(folder: Path, wanted: tuple[str, ...]) -> List[Path]:
    ordered: Dict[str, Path] = {}

    def add(name: str) -> None:
        if name in ordered:
            return
        path = _module(folder, name)
        for needed in _needs(path):
            add(needed)
        ordered[name] = path

    for name in wanted:
        add(name)
    return list(ordered.values())


def _module(folder: Path, name: str) -> Path:
    """Return a module's file; the kernel writes ``-`` and ``_`` in module names as it likes."""
    files = [folder / f"{name}.ko", folder / f"{name.replace('_', '-')}.ko"]
    found = next((path for path in files if path.is_file()), None)
    assert found, f"the kernel package has no module '{name}' where it is looked for"
    return found


def _needs(module: Path) -> List[str]:
    """Return the modules a module's own ``.modinfo`` section says must be loaded first."""
    found = re.search(rb"\0depends=([^\0]*)\0", module.read_bytes())
    return [name for name in found[1].decode().split(",") if name] if found else []


def _programs() -> Dict[str, labmedia.Content]:
    require(*_PROGRAMS)
    files: Dict[str, labmedia.Content] = {}
    for program in _PROGRAMS:
        path = Path(shutil.which(program) or "").resolve()
        files[f"bin/{program}"] = path
        # ldd prints "libc.so.6 => /lib/…/libc.so.6 (0x…)" and "/lib64/ld-linux-x86-64.so.2 (0x…)".
        for library in re.findall(r"(/\S+) \(0x", output(["ldd", path])):
            files[library.lstrip("/")] = Path(library).resolve()
    return files
