"""Tar archives as data: read, edited in memory, written the same way each time.

Nothing is unpacked to disk, so a hostile member name has nowhere to go.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import tarfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Dict, Iterator

from switchroom.core.errors import SwitchroomError
from switchroom.core.files import write_atomic


@dataclass(frozen=True)
class Member:
    """A file (``link`` empty), a symbolic link (to ``link``) or a folder; ``mtime`` in seconds since 1970."""

    data: bytes = b""
    mode: int = 0o644
    mtime: int = 0
    link: str = ""
    folder: bool = False


Tree = Dict[str, Member]  # by path, without a leading slash


def read_tree(source: Path | bytes, strip: int = 0) -> Tree:
    """Return a tarball's content without the first ``strip`` parts of each path.

    Hard links become files of their own. Raises SwitchroomError for what is not a tarball.
    """
    where = f"'{source}'" if isinstance(source, Path) else "The archive"
    try:
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(
                source.open("rb") if isinstance(source, Path) else io.BytesIO(source)
            )
            archive = stack.enter_context(tarfile.open(fileobj=stream))
            return {name: member for name, member in _members(archive, strip) if name}
    except (tarfile.TarError, EOFError, ValueError, OSError, zlib.error) as error:
        raise SwitchroomError(f"{where} is not a whole tarball.", cause=str(error)) from error


def pack_tree(tree: Tree, name: str, top: str = "") -> bytes:
    """Return a tarball (``name`` ends in ``.gz`` or ``.bz2``) of the tree under the folder ``top``.

    Sorted by name, owned by root, times as in ``tree``, none in the compression's own header.
    """
    raw = io.BytesIO()
    with _compressed(raw, name) as stream, _writer(stream) as archive:
        for path in sorted(tree):
            _add(archive, f"{top}/{path}" if top else path, tree[path])
    return raw.getvalue()


def write_tree(tree: Tree, path: Path, top: str = "") -> None:
    """Write the tarball that :func:`pack_tree` makes, whole or not at all."""
    write_atomic(path, pack_tree(tree, path.name, top))


def edit(tree: Tree, name: str, data: bytes) -> None:
    """Replace a file's content, or add the file with the time of the newest one."""
    newest = max((member.mtime for member in tree.values()), default=0)
    tree[name] = replace(tree.get(name, Member(mtime=newest)), data=data)


def _members(archive: tarfile.TarFile, strip: int) -> Iterator[tuple[str, Member]]:
    for info in archive:
        name = "/".join([part for part in info.name.split("/") if part not in ("", ".")][strip:])
        common = Member(mode=info.mode, mtime=int(info.mtime))
        if info.isdir():
            yield name, replace(common, folder=True)
        elif info.issym():
            yield name, replace(common, link=info.linkname)
        elif info.isfile() or info.islnk():
            stream = archive.extractfile(info)
            yield name, replace(common, data=stream.read() if stream else b"")


def _add(archive: tarfile.TarFile, name: str, member: Member) -> None:
    info = tarfile.TarInfo(name)
    info.mode, info.mtime = member.mode, member.mtime
    info.size, info.linkname = len(member.data), member.link
    if member.folder:
        info.type = tarfile.DIRTYPE
    elif member.link:
        info.type = tarfile.SYMTYPE
    archive.addfile(info, io.BytesIO(member.data))


def _writer(stream: IO[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT)


def _compressed(raw: IO[bytes], name: str) -> IO[bytes]:
    if name.endswith(".bz2"):
        return bz2.BZ2File(raw, "wb", compresslevel=1)
    return gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0)  # type: ignore[return-value]
