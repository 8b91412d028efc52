"""Kernel and initial RAM disk of the lab's stand-in medium, made from this machine's own Debian packages.

The stand-in boots like an Enterprise Linux installer as far as firmware, boot loader, kernel and command line
go. There is no Anaconda in it.
"""

from __future__ import annotations

import gzip
import io
import re
import shutil
import stat
import tarfile
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, Tuple, Union

from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import staging, write_atomic
from switchroom.core.process import output, run

# The cloud kernel is a third of the size, but has neither USB nor AHCI.
KERNEL_METAPACKAGE = "linux-image-amd64"

# Shown on the screen and on the serial line, whichever console the boot entry chose.
INIT_SHOWING_COMMAND_LINE = """\
busybox mkdir -p /proc /sys /dev
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
firmware=bios
[ -d /sys/firmware/efi ] && firmware=uefi
for terminal in /dev/ttyS0 /dev/tty1; do
  {
    echo
    echo "SWITCHROOM-LAB: a stand-in for an installer; nothing is installed here."
    echo "FIRMWARE=$firmware"
    echo "CMDLINE: $(busybox cat /proc/cmdline)"
    echo "SWITCHROOM-LAB: end. Switch the machine off."
  } >"$terminal" 2>/dev/null
done
while :; do busybox sleep 3600; done
"""

Content = Union[bytes, Path]


def kernel(cache: Path) -> Path:
    """Return the newest kernel image (vmlinuz) apt offers, kept in ``cache``.

    Raises SwitchroomError when apt knows no kernel or cannot fetch it.
    """
    package = kernel_package(cache)
    image = package.with_suffix(".vmlinuz")
    if not image.is_file():
        members = package_files(package, lambda name: name.startswith("boot/vmlinuz-"))
        write_atomic(image, next(content for _, content in members))
    return image


def kernel_package(cache: Path) -> Path:
    """Return Debian's kernel package file as apt downloaded and verified it, kept in ``cache``."""
    name, version = _kernel_version()
    package = cache / f"{name}_{version.replace(':', '%3a')}_amd64.deb"
    if package.is_file():
        return package
    with staging(cache) as folder:
        run(["apt-get", "-q", "download", f"{name}={version}"], what="Downloading the kernel", cwd=folder)
        next(folder.glob("*.deb")).replace(package)
    return package


def package_files(package: Path, wanted: Callable[[str], bool]) -> Iterator[Tuple[str, bytes]]:
    """Yield path (without leading ``./``) and content of the regular files wanted from a Debian package."""
    data = run(["ar", "p", package, "data.tar.xz"], what=f"Reading '{package.name}'").stdout
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:xz") as archive:
        for member in archive:
            name = member.name[2:] if member.name.startswith("./") else member.name
            content = archive.extractfile(member) if member.isreg() and wanted(name) else None
            if content:
                yield name, content.read()


def initrd(files: Mapping[str, Content], init_script: str, dest: Path) -> Path:
    """Write an initial RAM disk to ``dest`` and return it; the same input gives the same bytes.

    It holds busybox, ``files`` (path without leading slash, to content or file; all executable) and
    ``init_script`` as the script that busybox's shell runs as process 1.
    """
    entries: Dict[str, Content] = {"bin/busybox": _static_busybox(), **files}
    entries["init"] = f"#!/bin/busybox sh\n{init_script}".encode()
    write_atomic(dest, gzip.compress(_cpio(entries), mtime=0))
    return dest


def _kernel_version() -> Tuple[str, str]:
    record = output(
        ["apt-cache", "--no-all-versions", "show", KERNEL_METAPACKAGE], what="Asking apt for a kernel"
    )
    found = re.search(r"^Depends: (linux-image-\S+) \(= ([^)]+)\)", record, re.MULTILINE)
    if found is None:
        raise SwitchroomError(
            f"apt offers no '{KERNEL_METAPACKAGE}' on this machine.",
            hint="Run 'apt-get update' first; the lab's stand-in medium needs a Debian 12 machine.",
            code=ExitCode.REFUSED,
        )
    return found[1], found[2]


def _static_busybox() -> Path:
    found = shutil.which("busybox")
    if found is None or b"/ld-linux" in Path(found).read_bytes():
        raise SwitchroomError(
            "A statically linked busybox is missing on this machine.",
            hint="Install with: apt-get install busybox-static",
            code=ExitCode.REFUSED,
        )
    return Path(found)


def _cpio(entries: Mapping[str, Content]) -> bytes:
    parts: List[bytes] = []
    for number, name in enumerate(_with_folders(entries), start=1):
        content = entries.get(name)
        mode = stat.S_IFDIR | 0o755 if content is None else stat.S_IFREG | 0o755
        parts.append(_cpio_member(number, name, mode, _read(content)))
    return b"".join(parts) + _cpio_member(0, "TRAILER!!!", 0, b"")


def _with_folders(entries: Mapping[str, Content]) -> List[str]:
    folders = {str(parent) for name in entries for parent in Path(name).parents} - {"."}
    return sorted(folders | set(entries))


def _read(content: Union[Content, None]) -> bytes:
    if isinstance(content, Path):
        return content.read_bytes()
    return content or b""


def _cpio_member(number: int, name: str, mode: int, content: bytes) -> bytes:
    """Return one member in the kernel's "newc" format (Documentation/driver-api/early-userspace)."""
    links, path = 2 if stat.S_ISDIR(mode) else 1, name.encode() + b"\0"
    fields = (number, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(path), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + path) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
