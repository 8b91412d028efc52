"""An engine as a tree of files: taken out of its RPMs, and its version rewritten."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator, Sequence

from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError


def unpack(rpms: Sequence[Path], root: Path) -> None:
    """Lay the files of RPMs below ``root``; nothing of the machine's own RPM database is touched."""
    root.mkdir(parents=True, exist_ok=True)
    for rpm in rpms:
        payload = process.run(["rpm2cpio", rpm], what=f"Unpacking '{rpm.name}'").stdout
        into = ["cpio", "--extract", "--make-directories", "--preserve-modification-time", "--quiet"]
        process.run([*into, "--no-absolute-filenames"], cwd=root, stdin=payload)


def rewrite(root: Path, old: str, new: str) -> None:
    """Put ``new`` for ``old`` in the content, the name and the link target of everything below ``root``.

    Both must be of one length: then offsets inside ELF files stay what they were.
    """
    if len(old) != len(new):
        raise SwitchroomError(
            f"'{new}' cannot take the place of '{old}' inside a program: their lengths differ.",
            code=ExitCode.USAGE,
        )
    for path in _bottom_up(root):
        if path.is_symlink():
            _rewrite_link(path, old, new)
        elif path.is_file():
            replace_bytes(path, old.encode(), new.encode())
        if old in path.name:
            path.rename(path.with_name(path.name.replace(old, new)))


def replace_bytes(path: Path, old: bytes, new: bytes) -> int:
    """Replace bytes in a file, keeping its times; return how often they were there."""
    data = path.read_bytes()
    count = data.count(old)
    if count:
        times = path.stat()
        path.write_bytes(data.replace(old, new))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    return count


def _rewrite_link(path: Path, old: str, new: str) -> None:
    target = os.readlink(path)
    if old in target:
        path.unlink()
        path.symlink_to(target.replace(old, new))


def _bottom_up(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root, topdown=False):
        yield from (Path(folder, name) for name in (*files, *folders))
