"""Scratch copies of the lab base, and dnf working on them from outside."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Sequence

from lab.stub import RPM_HOME
from switchroom.build.workspace import cache_dir
from switchroom.core import process
from switchroom.core.process import Result

_DNF_CONF = """\
[main]
gpgcheck=1
repo_gpgcheck=1
best=1
skip_if_unavailable=0
metadata_expire=0
plugins=0
module_platform_id=platform:el9
# This machine's own repositories, variables and protected packages are none of the root's business.
reposdir=/nonexistent
varsdir=/nonexistent
protected_packages=
"""


@dataclass(frozen=True)
class Repository:
    """A package source as a .repo file describes it; ``key`` is the file of the public key it trusts."""

    name: str
    url: str
    key: Path
    mirrorlist: bool = False

    def section(self) -> str:
        """Return the lines of the .repo file."""
        kind = "mirrorlist" if self.mirrorlist else "baseurl"
        return f"[{self.name}]\nname={self.name}\n{kind}={self.url}\ngpgkey=file://{self.key}\n"


@contextlib.contextmanager
def scratch_root(base: Path) -> Iterator[Path]:
    """Give a writable copy of ``base`` that is gone afterwards, whatever happened in it.

    It is an overlay whose changes live in memory. Scratch roots of processes that were killed are
    removed by the next one.
    """
    scratch = cache_dir("lab", "scratch")
    _sweep(scratch)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=scratch))
    try:
        yield _mount(base, folder)
    finally:
        _unmount(folder)


def dnf(
    root: Path, words: Sequence[str], repositories: Sequence[Repository], check: bool = True
) -> Result[bytes]:
    """Run this machine's dnf with ``--installroot`` on ``root``, both signature checks on.

    ``words`` are the command and its arguments, such as ``["install", "asterisk22"]``. The keys of the
    ``repositories`` are imported without a question. Raises SwitchroomError on failure if ``check``.
    """
    conf = root.parent / "dnf.conf"
    conf.write_text(_DNF_CONF + "".join(repository.section() for repository in repositories))
    target = ["--installroot", str(root), "--releasever=9", "--forcearch=x86_64"]
    return process.run(
        ["dnf", "--config", conf, *target, "--assumeyes", *words],
        what=f"dnf {' '.join(words)}",
        env=RPM_HOME,
        check=check,
    )


def inside(root: Path, *words: str, check: bool = True) -> Result[bytes]:
    """Run a program that is in ``root``, as on a box."""
    return process.run(["chroot", root, *words], env={"HOME": "/root", "LC_ALL": "C.UTF-8"}, check=check)


def _mount(base: Path, folder: Path) -> Path:
    root = folder / "root"
    process.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "switchroom-lab", folder])
    for name in ("upper", "work", "root"):
        (folder / name).mkdir()
    layers = f"lowerdir={base},upperdir={folder / 'upper'},workdir={folder / 'work'}"
    process.run(["mount", "-t", "overlay", "-o", layers, "overlay", root])
    process.run(["mount", "-t", "proc", "proc", root / "proc"])
    return root


def _unmount(folder: Path) -> None:
    for path in (folder / "root" / "proc", folder / "root", folder):
        if os.path.ismount(path):
            process.run(["umount", "--lazy", path])
    shutil.rmtree(folder)


def _sweep(scratch: Path) -> None:
    for folder in scratch.iterdir():
        owner = folder.name.partition("-")[0]
        if not Path("/proc", owner).exists():
            _unmount(folder)
