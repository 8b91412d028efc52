"""Debian's Asterisk source package, brought back to the shape of upstream's own tarballs.

Debian removes what its guidelines do not allow (the iLBC codec, a webcam driver) and repacks pjproject;
upstream's build expects both as they were. Each edit below undoes one of these, and nothing else: no Debian
patch is used.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Tuple

from switchroom.build.tarball import Tree, edit, read_tree, write_tree
from switchroom.core.errors import SwitchroomError

MISSING_MODULES = ("codec_ilbc",)  # Debian's source has no library for it
_VERSIONS = "third-party/versions.mak"


@dataclass(frozen=True)
class Adapted:
    """The tarballs made, and the versions they are of; ``parts`` are those of them that a part needs."""

    version: str
    pjproject_version: str
    tarballs: Tuple[Path, ...]
    parts: Mapping[str, Path]


def adapt(folder: Path, target: Path) -> Adapted:
    """Make upstream-shaped tarballs in ``target`` from the files of Debian's source package in ``folder``."""
    asterisk = read_tree(_one(folder, "asterisk_*.orig.tar.*"), strip=1)
    version = _text(asterisk, ".version").strip()
    match = re.search(r"^PJPROJECT_VERSION=(\S+)$", _text(asterisk, _VERSIONS), re.MULTILINE)
    if not match:
        raise _unknown(f"'{_VERSIONS}' does not tell the version of pjproject")
    pjproject = _pjproject(folder, target / f"pjproject-{match[1]}.tar.bz2")
    _restore_build(asterisk, pjproject)
    tarball = target / f"asterisk-{version}.tar.gz"
    write_tree(asterisk, tarball, top=f"asterisk-{version}")
    parts = {"mp3": _added(folder, "mp3", target)}
    _added(folder, "opus", target)  # somebody else's modules, as those who build such need them
    return Adapted(version, match[1], (tarball, pjproject), parts)


def _added(folder: Path, name: str, target: Path) -> Path:
    """Make the tarball of what Debian adds to the source package under a name of its own."""
    tarball = target / f"asterisk-{name}.tar.gz"
    write_tree(read_tree(_one(folder, f"asterisk_*.orig-X{name}.tar.*"), strip=1), tarball, top=name)
    return tarball


def _pjproject(folder: Path, target: Path) -> Path:
    tree = read_tree(_one(folder, "asterisk_*.orig-Xpjproject.tar.*"), strip=1)
    makefile = "pjmedia/build/Makefile"
    edit(tree, makefile, _text(tree, makefile).replace(" bdimad_dev.o", "").encode())
    write_tree(tree, target, top=target.name.removesuffix(".tar.bz2"))
    return target


def _restore_build(tree: Tree, pjproject: Path) -> None:
    """Leave out the codec whose library is gone, and state the checksum of the repacked pjproject."""
    makefile = "codecs/Makefile"
    lines = _text(tree, makefile).splitlines(keepends=True)
    edit(tree, makefile, "".join(line for line in lines if line != "\t$(SUB_ILBC) \\\n").encode())
    tree.pop("codecs/codec_ilbc.c", None)
    digest = hashlib.md5(pjproject.read_bytes(), usedforsecurity=False).hexdigest()
    edit(tree, f"third-party/pjproject/{pjproject.name}.md5", f"{digest}  {pjproject.name}\n".encode())


def _one(folder: Path, pattern: str) -> Path:
    found = [path for path in folder.glob(pattern) if path.suffix != ".asc"]
    if len(found) != 1:
        raise _unknown(f"there are {len(found)} files like '{pattern}' instead of one")
    return found[0]


def _text(tree: Tree, name: str) -> str:
    if name not in tree:
        raise _unknown(f"'{name}' is missing")
    return tree[name].data.decode(errors="surrogateescape")


def _unknown(cause: str) -> SwitchroomError:
    return SwitchroomError("Debian's Asterisk source package has a shape not known here.", cause=cause)
