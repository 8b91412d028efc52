"""Whether firmware and boot loaders get to an image's menu: its boot structures, followed as they do.

BIOS goes from the boot catalog (CD) or the MBR (USB stick) to a loader, and that by its boot info table to a
volume descriptor and its menu there. UEFI goes to an EFI system partition, whose menu goes on with the one on
the medium; the partitions themselves are compared by their sums, see :mod:`switchroom.build.iso.remaster`.

Sources: the El Torito specification 2.0; the boot info table in mkisofs(8); isolinux.asm, isohdpfx.S and
iso9660.c of SYSLINUX 6.03, cdboot.S and boot_hybrid of GRUB 2; the UEFI specification 5.3 (GPT).
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, Dict, Iterator, List, Mapping, Tuple

from switchroom.build.iso import iso9660
from switchroom.build.iso.base import BIOS_MENUS, GRUB_MENU, INITRD, ISOLINUX, KERNEL, Base
from switchroom.build.iso.xorriso import BLOCK

MENUS = (*BIOS_MENUS.values(), GRUB_MENU)  # those of an image are among these
_SECTOR = 512
_TABLE = struct.Struct("<IIII")  # descriptor's block, loader's block, its size in bytes, its sum
_TABLE_AT, _SUMMED_FROM = 8, 64  # in the loader
_MBR_POINTER = 432  # of the MBR's code: the loader's place in sectors, 8 bytes
_GRUB_SKIPPED = 4  # sectors: GRUB's MBR starts behind the part for CDs
_READ_MAX = 16 << 20  # bytes of a loader, a menu, a table; a longer one is damaged
# Where ISOLINUX looks for its menu before it comes to ours.
_BEFORE = {ISOLINUX: ("boot/isolinux/isolinux.cfg", "boot/isolinux/syslinux.cfg")}
_EFI = 0xEF
_BOOTABLE, _EMULATION = 0x88, 0x0F  # the entry's first byte; bits of its second, as a floppy or a disk
_LAST_SECTION = 0x91


def faults(image: Path, menus: Mapping[str, str]) -> Tuple[str, ...]:
    """Return why a machine would not get to the menu from this image; nothing if it would.

    ``menus`` are the SHA-256 of the menus by their path on the medium: the one for BIOS and the one for UEFI.
    """
    with image.open("rb") as stream:
        return tuple(_Chain(stream, menus).faults())


def info_table(base: Base) -> Dict[int, bytes]:
    """Return the boot info table, by its offset, that the loader for BIOS needs in an image made from a base.

    A base of several sessions names the descriptor of its own last one, and so a tree that is outdated.
    """
    with base.path.open("rb") as stream:
        # Found at block 16: there is a copy of the last session's descriptor, which Linux sees.
        place = iso9660.find(stream, iso9660.FIRST_DESCRIPTOR, base.layout.bios_image or "")
        if place is None:
            return {}
        stream.seek(place[0])
        return {place[0] + _TABLE_AT: _table(place, stream.read(place[1]))}


def _table(place: iso9660.Range, loader: bytes) -> bytes:
    return _TABLE.pack(iso9660.FIRST_DESCRIPTOR, place[0] // BLOCK, place[1], _sum(loader))


def _sum(loader: bytes) -> int:
    rest = loader[_SUMMED_FROM:]
    words = rest.ljust(-(-len(rest) // 4) * 4, b"\0")
    total: int = sum(struct.unpack(f"<{len(words) // 4}I", words))
    return total & 0xFFFFFFFF


class _Chain:
    def __init__(self, stream: BinaryIO, menus: Mapping[str, str]) -> None:
        self._stream, self._menus = stream, menus

    def faults(self) -> Iterator[str]:
        catalog = self._catalog()
        yield from self._validation(catalog)
        yield from self._bios(catalog[32:64])
        yield from self._uefi(catalog)
        yield from self._gpt()

    def _catalog(self) -> bytes:
        """Return El Torito's boot catalog; zeros if nothing leads to one."""
        record = iso9660.block(self._stream, 17)
        if record[:7] != b"\0CD001\1" or not record[7:].startswith(b"EL TORITO SPECIFICATION"):
            return bytes(BLOCK)
        return iso9660.block(self._stream, int.from_bytes(record[71:75], "little")).ljust(BLOCK, b"\0")

    @staticmethod
    def _validation(catalog: bytes) -> Iterator[str]:
        words = struct.unpack("<16H", catalog[:32])
        if catalog[0] != 1 or catalog[30:32] != b"\x55\xaa" or sum(words) & 0xFFFF:
            yield "firmware takes the boot catalog for damaged, so no CD of it starts"

    def _bios(self, entry: bytes) -> Iterator[str]:
        place = int.from_bytes(entry[8:12], "little") * BLOCK
        found = {name: iso9660.find(self._stream, iso9660.FIRST_DESCRIPTOR, name) for name in BIOS_MENUS}
        loaders = {range_[0]: (name, range_[1]) for name, range_ in found.items() if range_}
        if entry[0] != _BOOTABLE or entry[1] & _EMULATION or place not in loaders:
            yield f"the boot catalog leads BIOS to block {place // BLOCK}, where no boot loader lies"
            return
        name, size = loaders[place]
        yield from self._loader(name, (place, size), self._read(place, min(size, _READ_MAX)))
        yield from self._mbr(name, place)

    def _loader(self, name: str, place: iso9660.Range, data: bytes) -> Iterator[str]:
        descriptor, *rest = _TABLE.unpack_from(data.ljust(_SUMMED_FROM, b"\0"), _TABLE_AT)
        _, *wanted = _TABLE.unpack(_table(place, data))
        if rest != wanted:
            yield f"the boot info table of '{name}' does not fit it: it says {rest}, not {wanted}"
        if name == ISOLINUX and not iso9660.is_primary(self._stream, descriptor):
            yield f"the boot info table of '{name}' names block {descriptor}, which is no volume descriptor"
        else:
            # GRUB begins at block 16, whatever its table says.
            start = descriptor if name == ISOLINUX else iso9660.FIRST_DESCRIPTOR
            yield from self._menu(BIOS_MENUS[name], start, f"'{name}'")
            yield from (
                f"'{name}' takes '{other}', which lies there too, for its menu"
                for other in _BEFORE.get(name, ())
                if iso9660.find(self._stream, start, other)
            )

    def _menu(self, menu: str, descriptor: int, who: str) -> Iterator[str]:
        where = f"from the volume descriptor in block {descriptor}, where {who} begins"
        for name in (menu, KERNEL, INITRD):
            place = iso9660.find(self._stream, descriptor, name)
            if place is None or not place[1]:
                yield f"'{name}' cannot be reached {where}"
            elif name in self._menus and self._digest(place) != self._menus[name]:
                yield f"'{name}' is not the new menu {where}"

    def _digest(self, place: iso9660.Range) -> str:
        return hashlib.sha256(self._read(place[0], min(place[1], _READ_MAX))).hexdigest()

    def _mbr(self, loader: str, place: int) -> Iterator[str]:
        """Yield what stops BIOS on a USB stick; an image without code in its MBR is for CDs alone."""
        head = self._read(0, _SECTOR)
        if not any(head[:_MBR_POINTER]):
            return
        wanted = place // _SECTOR + (0 if loader == ISOLINUX else _GRUB_SKIPPED)
        found = int.from_bytes(head[_MBR_POINTER : _MBR_POINTER + 8], "little")
        if head[510:] != b"\x55\xaa":
            yield "BIOS takes the MBR for damaged, so no USB stick of it starts"
        if found != wanted:
            yield f"the MBR looks for '{loader}' at sector {found}; it is at {wanted}"

    def _uefi(self, catalog: bytes) -> Iterator[str]:
        if not any(entry[0] == _BOOTABLE for entry in self._efi_entries(catalog)):
            yield "the boot catalog has nothing that UEFI could start"
        yield from self._menu(GRUB_MENU, iso9660.FIRST_DESCRIPTOR, "GRUB")

    @staticmethod
    def _efi_entries(catalog: bytes) -> List[bytes]:
        found, at = [], 64
        while at + 32 <= len(catalog) and catalog[at] in (_LAST_SECTION - 1, _LAST_SECTION):
            count, last = int.from_bytes(catalog[at + 2 : at + 4], "little"), catalog[at] == _LAST_SECTION
            entries = [catalog[at + 32 * n : at + 32 * (n + 1)] for n in range(1, count + 1)]
            found += entries if catalog[at + 1] == _EFI else []
            at = len(catalog) if last else at + 32 * (count + 1)
        return [entry for entry in found if entry]

    def _gpt(self) -> Iterator[str]:
        header = self._read(_SECTOR, _SECTOR)
        if header[:8] != b"EFI PART":
            return
        backup = int.from_bytes(header[32:40], "little") * _SECTOR
        for name, one in (("GPT", header), ("backup of the GPT", self._read(backup, _SECTOR))):
            if not self._gpt_fits(one):
                yield f"UEFI takes the {name} for damaged, so a USB stick of it may not start"

    def _gpt_fits(self, header: bytes) -> bool:
        if header[:8] != b"EFI PART" or int.from_bytes(header[12:16], "little") > _SECTOR:
            return False
        size, crc = struct.unpack("<II", header[12:20])
        table, count, width, entries = struct.unpack("<QIII", header[72:92])
        listed = self._read(table * _SECTOR, min(count * width, _READ_MAX))
        return [zlib.crc32(header[:16] + bytes(4) + header[20:size]), zlib.crc32(listed)] == [crc, entries]

    def _read(self, offset: int, size: int) -> bytes:
        self._stream.seek(offset)
        return self._stream.read(size).ljust(size, b"\0")
