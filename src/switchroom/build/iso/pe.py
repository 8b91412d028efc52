"""Whether a UEFI program carries a signature: the certificate table of a PE file.

Source: Microsoft's PE format, "Optional Header Data Directories". The signature itself is for the firmware to
judge, with the keys of the machine.
"""

from __future__ import annotations

import struct
from pathlib import Path

from switchroom.build.iso import esp
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import staging

_PE32_PLUS = 0x20B
_CERTIFICATES = 4  # number of the data directory
_OPTIONAL_HEADER = 24  # behind the start of the PE header
_DIRECTORIES = 112  # behind the start of the optional header, in PE32+


def signed(program: bytes) -> bool:
    """Return whether a 64-bit PE file has a certificate table."""
    if program[:2] != b"MZ" or len(program) < 0x40:  # noqa: PLR2004 - the DOS header
        return False
    optional = struct.unpack_from("<I", program, 0x3C)[0] + _OPTIONAL_HEADER
    entry = optional + _DIRECTORIES + _CERTIFICATES * 8
    if len(program) < entry + 8 or struct.unpack_from("<H", program, optional)[0] != _PE32_PLUS:
        return False
    offset, size = struct.unpack_from("<II", program, entry)
    return bool(size) and offset + size <= len(program)


def require_signed(partition: Path, name: str) -> None:
    """Raise SwitchroomError unless this program in an EFI system partition carries a signature."""
    with staging(partition.parent) as folder:
        esp.get(partition, name, folder / "program.efi")
        if not signed((folder / "program.efi").read_bytes()):
            raise SwitchroomError(
                f"'{name}' in the EFI system partition of the base is not signed: no machine with"
                " Secure Boot would start it.",
                hint="Check the base image against its publisher's checksum.",
                code=ExitCode.REFUSED,
            )
