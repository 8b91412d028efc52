"""What is read from an image before anything is done with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchroom.build.iso.base import open_base
from switchroom.build.iso.layout import Extent, parse_layout, read_volume
from switchroom.build.iso.xorriso import BLOCK
from switchroom.core.errors import ExitCode, SwitchroomError

# xorriso 1.5.4 on an image of the EL9 layout with an EFI partition appended behind the volume.
REPORT = """\
El Torito catalog  : 36  1
El Torito images   :   N  Pltf  B   Emul  Ld_seg  Hdpt  Ldsiz         LBA
El Torito boot img :   1  BIOS  y   none  0x0000  0x00      4        2085
El Torito boot img :   2  UEFI  y   none  0x0000  0x00   8192          37
El Torito img path :   1  /isolinux/isolinux.bin
El Torito img opts :   1  boot-info-table isohybrid-suitable
El Torito img path :   2  /images/efiboot.img
System area summary: MBR isohybrid cyl-align-on GPT
ISO image size/512 : 10240
MBR partition table:   N Status  Type        Start       Blocks
MBR partition      :   1   0x80  0x00            0        10240
MBR partition      :   2   0x00  0xef          148         8192
MBR partition      :   3   0x00  0xef        10240         8192
MBR partition path :   2  /images/efiboot.img
GPT type GUID      :   1  a2a0d0ebe5b9334487c068b6b72699c7
GPT start and size :   1  0  10240
GPT type GUID      :   2  a2a0d0ebe5b9334487c068b6b72699c7
GPT start and size :   2  148  8192
GPT partition path :   2  /images/efiboot.img
GPT type GUID      :   3  28732ac11ff8d211ba4b00a0c93ec93b
GPT start and size :   3  10240  8192
"""


def image(path: Path, *, size: int = 20, magic: bytes = b"\x01CD001", torito: bool = True) -> Path:
    """Write the first blocks of an image whose volume descriptor says 20 blocks."""
    data = bytearray(size * BLOCK)
    data[16 * BLOCK : 16 * BLOCK + 6] = magic
    data[16 * BLOCK + 40 : 16 * BLOCK + 72] = b"My PBX 1".ljust(32)
    data[16 * BLOCK + 80 : 16 * BLOCK + 84] = (20).to_bytes(4, "little")
    if torito:
        data[17 * BLOCK : 17 * BLOCK + 30] = b"\0CD001\x01EL TORITO SPECIFICATION"
    path.write_bytes(bytes(data))
    return path


def test_every_copy_of_the_esp_is_found_and_the_whole_image_is_none() -> None:
    layout = parse_layout(REPORT)
    esp = ("images/efiboot.img", 37 * 2048, 8192 * 512)
    assert [(copy.path, copy.offset, copy.size) for copy in layout.esp_copies] == [
        esp,
        esp,
        (None, 10240 * 512, 8192 * 512),
        esp,
        (None, 10240 * 512, 8192 * 512),
    ]
    assert layout.esp_copies[2] == Extent("MBR partition 3", 10240 * 512, 8192 * 512, None)
    assert layout.bios_image == "isolinux/isolinux.bin"


def test_volume_descriptor_is_read(tmp_path: Path) -> None:
    volume = read_volume(image(tmp_path / "a.iso"))
    assert (volume.volume_id, volume.size) == ("My PBX 1", 20 * BLOCK)


def test_file_that_is_no_iso_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SwitchroomError, match="not an ISO 9660 image") as caught:
        open_base(image(tmp_path / "a.iso", magic=b"notiso"))
    assert caught.value.code is ExitCode.REFUSED


def test_short_file_is_no_iso_either(tmp_path: Path) -> None:
    (tmp_path / "a.iso").write_bytes(b"hello")
    with pytest.raises(SwitchroomError, match="not an ISO 9660 image"):
        open_base(tmp_path / "a.iso")


def test_truncated_iso_names_both_sizes(tmp_path: Path) -> None:
    with pytest.raises(SwitchroomError, match=f"truncated: it has {18 * BLOCK} bytes.* says {20 * BLOCK}"):
        open_base(image(tmp_path / "a.iso", size=18))


def test_iso_without_boot_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SwitchroomError, match="no boot image"):
        open_base(image(tmp_path / "a.iso", torito=False))


def test_missing_base_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(SwitchroomError, match="does not exist") as caught:
        open_base(tmp_path / "none.iso")
    assert caught.value.code is ExitCode.USAGE
