"""A changed copy of a base image: new files, new menus in every place that boots, the same boot loaders.

No root and no mounts. What the finished image really holds is read back and compared before it is handed on.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Tuple

from switchroom.build.iso import boot_area, boot_check, esp, graft, pe, xorriso
from switchroom.build.iso.base import ESP, GRUB, SHIM, Base, check_unchanged
from switchroom.build.iso.copying import Copying
from switchroom.build.iso.graft import Content
from switchroom.build.iso.layout import Extent, read_extent, read_layout, read_volume
from switchroom.build.iso.manifest import digests
from switchroom.build.iso.press import Pressed, press
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256, staging
from switchroom.core.process import require
from switchroom.core.progress import Reporter

TOOLS = ("xorriso", "mcopy", "mdir")
_MARGIN = 64 << 20  # bytes: the new tree, the skeleton, and EFI system partitions
_TREEINFO = ".treeinfo"


@dataclass(frozen=True)
class BootParts:
    """What firmware starts: new EFI system partitions by their offset, and each boot loader's SHA-256.

    ``info_table`` is what the loader for BIOS is told of the image, at its offset; ``treeinfo`` is empty
    where the base has none.
    """

    copies: Mapping[int, bytes]
    loaders: Mapping[str, str]
    info_table: Mapping[int, bytes]
    treeinfo: bytes


def check_space(base: Path, added: int, folder: Path) -> None:
    """Raise unless ``folder`` has room for the base and, in image and layout, ``added`` bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    needed, free = base.stat().st_size + 2 * added + _MARGIN, shutil.disk_usage(folder).free
    if free < needed:
        raise SwitchroomError(
            f"'{folder}' has {free >> 20} MiB free; the image needs {needed >> 20} MiB.",
            hint="Free some space, or write the image to another file system with --out.",
            code=ExitCode.REFUSED,
        )


def prepare(base: Base, menu: Path, epoch: int, scratch: Path) -> BootParts:
    """Return the new boot parts: ``menu`` in every copy of the EFI system partition that the base has.

    Raises SwitchroomError when a copy is none that can be changed, or when its shim is not signed.
    """
    require(*TOOLS)
    copies: Dict[int, bytes] = {}
    loaders: Dict[str, str] = {}
    files = _file_copies(base)
    for copy in (*base.layout.esp_copies, *files):
        if copy.offset not in copies:
            path = scratch / f"esp-{copy.offset}.img"
            path.write_bytes(_file_system(base.path, copy))
            loaders.update({f"EFI/BOOT/{n}": d for n, d in esp.set_menu(path, menu, epoch).items()})
            pe.require_signed(path, SHIM)
            copies[copy.offset] = path.read_bytes()
    return BootParts(copies, loaders, boot_check.info_table(base), _treeinfo(base, files, copies, scratch))


def _file_copies(base: Base) -> List[Extent]:
    """Return the EFI system partition that is a file on the base, which nothing may boot."""
    return [Extent(f"'{ESP}'", *place, ESP) for place in xorriso.extents(base.path).get(ESP, [])]


def _file_system(image: Path, copy: Extent) -> bytes:
    size = esp.volume_size(read_extent(image, Extent(copy.name, copy.offset, 512, None)))
    if not size:
        raise SwitchroomError(
            f"The {copy.name} of '{image.name}' is no FAT file system, so its boot menu cannot be replaced.",
            hint="Use a base without boot images for other machines, such as those of Apple.",
            code=ExitCode.REFUSED,
        )
    return read_extent(image, Extent(copy.name, copy.offset, size, None))


def _treeinfo(base: Base, files: Sequence[Extent], copies: Mapping[int, bytes], scratch: Path) -> bytes:
    if _TREEINFO not in base.files:
        return b""
    xorriso.extract(base.path, {_TREEINFO: scratch / "treeinfo"})
    text = (scratch / "treeinfo").read_bytes()
    for copy in files:
        digest = hashlib.sha256(copies[copy.offset]).hexdigest().encode()
        pattern = re.compile(rb"^(%s[ \t]*=[ \t]*sha256:)[0-9a-f]+$" % re.escape(ESP.encode()), re.MULTILINE)
        text = pattern.sub(rb"\g<1>" + digest, text)
    return text


@dataclass(frozen=True)
class Remastered:
    """The sums of the new image, and where its files lie: (offset, size, what)."""

    pressed: Pressed
    places: Tuple[Tuple[int, int, str], ...]


def remaster(
    base: Base, changes: graft.Changes, parts: BootParts, copying: Copying, reporter: Reporter
) -> Remastered:
    """Make the image that ``copying`` copies the base to the changed one, with a media checksum.

    Scratch files go beside it. Raises SwitchroomError when the base changed meanwhile, when any copy of the
    EFI system partition in the result is not the new one or lies outside the media checksum, when a boot
    loader is not the base's, or when firmware would not get from it to the new menus.
    """
    files: Dict[str, Content] = dict(changes.files)
    files.update({_TREEINFO: parts.treeinfo} if parts.treeinfo else {})
    image, scratch = copying.image, copying.image.with_name("layout")
    scratch.mkdir()
    with reporter.step("Laying out the image"):
        complete = replace(changes, files=files, esp_copies=parts.copies, patches=parts.info_table)
        planned = graft.plan(base.path, complete, [base.layout.bios_image or ""], scratch)
    with reporter.step("Writing the image", planned.size) as step:
        pressed = press(copying, planned, step.advance)
        check_unchanged(base)
    with reporter.step("Checking every boot copy"):
        wanted = {offset: hashlib.sha256(data).hexdigest() for offset, data in parts.copies.items()}
        check_boot_copies(image, wanted, {offset: len(data) for offset, data in parts.copies.items()})
        _check_loaders(base, image)
        _check_chain(image, changes)
    shutil.rmtree(scratch)
    return Remastered(pressed, _places(planned, parts))


def check_boot_copies(image: Path, digests: Mapping[int, str], sizes: Mapping[int, int]) -> None:
    """Raise unless each boot structure of ``image`` leads to a known copy, inside the media checksum.

    ``digests`` and ``sizes`` are those of the EFI system partitions by their offset.
    """
    layout, volume = read_layout(image), read_volume(image)
    if not layout.esp_copies:
        raise SwitchroomError(f"No EFI system partition is to be found in '{image.name}'.")
    for copy in layout.esp_copies:
        if copy.offset not in digests:
            raise SwitchroomError(f"The {copy.name} of '{image.name}' is not where it was put.")
        data = read_extent(image, Extent(copy.name, copy.offset, sizes[copy.offset], None))
        if hashlib.sha256(data).hexdigest() != digests[copy.offset]:
            raise SwitchroomError(f"The {copy.name} of '{image.name}' does not hold the new boot menu.")
        if copy.offset + len(data) > volume.size - graft.PADDING * xorriso.BLOCK:
            raise SwitchroomError(f"The {copy.name} of '{image.name}' is not covered by the media checksum.")


def _check_loaders(base: Base, image: Path) -> None:
    with staging(image.parent) as folder:
        for path, place in ((base.path, folder / "old"), (image, folder / "new")):
            xorriso.extract(path, {name: place / name for name in (SHIM, GRUB)})
        for name in (SHIM, GRUB):
            if sha256(folder / "old" / name) != sha256(folder / "new" / name):
                raise SwitchroomError(f"'{name}' in the new image is not that of the base.")


def _check_chain(image: Path, changes: graft.Changes) -> None:
    menus = {name: changes.files[name] for name in boot_check.MENUS if name in changes.files}
    faults = boot_check.faults(image, digests(menus))
    if faults:
        raise SwitchroomError(
            "The new image would not start on every machine.",
            cause="\n".join(faults),
            hint="Use a base as its publisher made it; if it is one, report this with the base's name.",
        )


def _places(planned: graft.Graft, parts: BootParts) -> Tuple[Tuple[int, int, str], ...]:
    places = [(offset, size, name) for name, extents in planned.extents.items() for offset, size in extents]
    places += [(offset, len(data), "an EFI system partition") for offset, data in parts.copies.items()]
    places.append((0, boot_area.SIZE, "boot sectors and volume descriptors"))
    places.sort()
    return tuple(places)
