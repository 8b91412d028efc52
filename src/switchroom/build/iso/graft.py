"""Where a new image differs from its base: a copy of the base in place, with a new tree of folders behind it.

xorriso adds its session to a skeleton, a sparse copy of the base without the content of its files, with
empty files of the right size for the new ones. So no byte of either is written more than once: what passes
between base and image is put together while it is copied.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Callable, List, Mapping, Sequence, Tuple, Union

from switchroom.build.iso import boot_area, iso9660, xorriso
from switchroom.build.iso.xorriso import BLOCK

PADDING = 150  # blocks of zeros at the end: drives read ahead, and the media checksum leaves out the last
_COPY = 1 << 20

Late = Callable[[str], bytes]  # content that needs the base's SHA-256; always of the same length
Content = Union[bytes, Path, Late]
Range = Tuple[int, int]  # offset and size in bytes


@dataclass(frozen=True)
class Overlay:
    """Bytes of the image that are not the base's; ``content`` is shorter than ``size`` if zeros follow."""

    offset: int
    size: int
    content: Content


@dataclass(frozen=True)
class Changes:
    """What becomes different: ``files`` maps a path on the medium to a file or folder on disk, or to bytes.

    ``esp_copies`` are the new EFI system partitions at offsets of the base, ``patches`` other bytes there;
    ``removed`` are files of the base that go, ``epoch`` is the date of all files.
    """

    volume_id: str
    files: Mapping[str, Content]
    epoch: int
    esp_copies: Mapping[int, bytes] = field(default_factory=dict)
    patches: Mapping[int, bytes] = field(default_factory=dict)
    removed: Sequence[str] = ()


@dataclass(frozen=True)
class Graft:
    """The new image: ``size`` bytes, the base's unless an overlay says otherwise; behind it ``skeleton``'s.

    ``overlays`` are in order and do not overlap. ``extents`` are the image's files.
    """

    size: int
    skeleton: Path
    overlays: Tuple[Overlay, ...]
    extents: Mapping[str, Sequence[Range]]


def plan(base: Path, changes: Changes, boot_images: Sequence[str], scratch: Path) -> Graft:
    """Lay out the new image; ``scratch`` is a folder for the skeleton and the empty files.

    ``boot_images`` are files of the base that xorriso must see to know how they are started.
    """
    skeleton, before = scratch / "skeleton.iso", xorriso.extents(base)
    _copy_without_content(base, skeleton, [r for p, rs in before.items() if p not in boot_images for r in rs])
    placeholders = {
        n: _placeholder(c, scratch / str(i)) for i, (n, c) in enumerate(sorted(changes.files.items()))
    }
    commands = [*_trees(base), *_commands(changes, placeholders, before), *_dates(changes.epoch)]
    xorriso.grow(skeleton, *commands, epoch=changes.epoch, padding=PADDING)
    after, size = xorriso.extents(skeleton, before), skeleton.stat().st_size
    with skeleton.open("rb") as stream:
        grown = boot_area.grow(stream.read(boot_area.SIZE), size, tuple(changes.esp_copies))
    overlays = [
        Overlay(0, boot_area.SIZE, grown.head),
        Overlay(size - len(grown.tail), len(grown.tail), grown.tail),
    ]
    patches = {**changes.esp_copies, **changes.patches}
    overlays += [Overlay(at, len(data), data) for at, data in patches.items()]
    overlays += [Overlay(at, BLOCK, b"") for at in grown.hidden]
    overlays += _contents(changes.files, after)
    overlays += _dead(before, after, changes.esp_copies)
    return Graft(size, skeleton, _disjoint(overlays), after)


def _copy_without_content(base: Path, skeleton: Path, content: Sequence[Range]) -> None:
    size = base.stat().st_size
    with base.open("rb") as source, skeleton.open("wb") as sink:
        position = 0
        for start, length in (*sorted(content), (size, 0)):
            _copy(source, sink, position, start)
            position = max(position, start + length)
        sink.truncate(-(-size // BLOCK) * BLOCK)
        # So that the new session begins behind all that the base holds, also behind its file system.
        sink.seek(16 * BLOCK + 80)
        sink.write((-(-size // BLOCK)).to_bytes(4, "little") + (-(-size // BLOCK)).to_bytes(4, "big"))


def _copy(source: BinaryIO, sink: BinaryIO, start: int, end: int) -> None:
    for at in range(start, end, _COPY):
        source.seek(at)
        data = source.read(min(_COPY, end - at))
        if data.count(0) != len(data):
            sink.seek(at)
            sink.write(data)


def _placeholder(content: Content, path: Path) -> Path:
    """Return an empty file as long as ``content``, or a folder of such files."""
    if isinstance(content, Path) and content.is_dir():
        path.mkdir()
        for child in content.iterdir():
            _placeholder(child, path / child.name)
    else:
        with path.open("wb") as stream:
            stream.truncate(length(content))
    return path


def length(content: Content) -> int:
    """Return the bytes of a content; of a folder, those of all its files."""
    if isinstance(content, bytes):
        return len(content)
    if callable(content):
        return len(content("0" * 64))
    if content.is_dir():
        return sum(map(length, content.iterdir()))
    return content.stat().st_size


def _has(extents: Mapping[str, Sequence[Range]], folder: str) -> bool:
    return any(name.startswith(f"{folder}/") for name in extents)


def _trees(base: Path) -> List[str]:
    """Return the words for a tree with Joliet's names if the base has one; xorriso would leave it out."""
    return ["-joliet", "on", "-compliance", "joliet_long_names"] if iso9660.has_joliet(base) else []


def _commands(
    changes: Changes, placeholders: Mapping[str, Path], before: Mapping[str, Sequence[Range]]
) -> List[str]:
    """Return the changes in xorriso's words; owners and modes are the same whoever builds."""
    commands: List[str] = ["-volid", changes.volume_id, "-boot_image", "any", "keep"]
    replaced = [n for n, source in placeholders.items() if source.is_dir() and _has(before, n)]
    gone = {*replaced, *changes.removed}
    for name in sorted(gone):
        # What lies in a folder goes with it, and xorriso fails on what is not there any more.
        if not gone.intersection(map(str, PurePosixPath(name).parents)):
            commands += ["-rm_r", f"/{name}", "--"]
    for name, source in sorted(placeholders.items()):
        commands += ["-map", str(source), f"/{name}"]
        commands += ["-find", f"/{name}", "-type", "d", "-exec", "chmod", "0755", "--"]
        commands += ["-find", f"/{name}", "-type", "f", "-exec", "chmod", "0644", "--"]
    folders = {str(folder) for name in placeholders for folder in PurePosixPath(name).parents}
    for folder in sorted(folders - {"."}):
        commands += [] if _has(before, folder) else ["-chmod", "0755", f"/{folder}", "--"]
    return [*commands, "-chown_r", "0", "/", "--", "-chgrp_r", "0", "/", "--"]


def _dates(epoch: int) -> List[str]:
    commands: List[str] = []
    for which in ("c", "m", "uuid"):
        commands += ["-volume_date", which, _volume_date(epoch)]
    return [*commands, "-volume_date", "all_file_dates", f"={epoch}"]


def _volume_date(epoch: int) -> str:
    """Return an ECMA-119 date in xorriso's form YYYYMMDDhhmmsscc."""
    moment = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    return moment.strftime("%Y%m%d%H%M%S00")


def _contents(files: Mapping[str, Content], extents: Mapping[str, Sequence[Range]]) -> List[Overlay]:
    found: List[Overlay] = []
    for name, content in files.items():
        if isinstance(content, Path) and content.is_dir():
            found += _contents({f"{name}/{child.name}": child for child in content.iterdir()}, extents)
        elif length(content):
            found.append(Overlay(extents[name][0][0], length(content), content))
    return found


def _dead(
    before: Mapping[str, Sequence[Range]], after: Mapping[str, Sequence[Range]], kept: Mapping[int, bytes]
) -> List[Overlay]:
    """Return zeros for what no file holds any more: a base's own kickstart may have secrets."""
    alive = {start for ranges in after.values() for start, _ in ranges} | set(kept)
    gone = {r for ranges in before.values() for r in ranges if r[0] not in alive}
    return [Overlay(start, size, b"") for start, size in sorted(gone)]


def _disjoint(overlays: Sequence[Overlay]) -> Tuple[Overlay, ...]:
    ordered = sorted((one for one in overlays if one.size), key=lambda one: one.offset)
    for one, other in zip(ordered, ordered[1:]):
        if one.offset + one.size > other.offset:
            raise AssertionError(f"the image's parts at {one.offset} and {other.offset} overlap")
    return tuple(ordered)
