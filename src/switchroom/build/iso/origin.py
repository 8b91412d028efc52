"""Where a base comes from and what it must be: a path or an address, and the publisher's checksum."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Optional

from switchroom.build.iso.fetch import fetch, file_name, is_url
from switchroom.build.signatures import Verifier, verifier
from switchroom.build.upstream import download
from switchroom.build.workspace import cache_dir
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256
from switchroom.core.progress import Reporter

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Both forms that publishers use: coreutils' and BSD's.
_LINES = (
    re.compile(r"^(?P<sum>[0-9a-fA-F]{64}) [ *](?P<name>\S.*)$", re.MULTILINE),
    re.compile(r"^SHA256 \((?P<name>.+)\) = (?P<sum>[0-9a-fA-F]{64})$", re.MULTILINE),
)
_SIGNATURES = (".asc", ".sig", ".sign")
_CLEAR_SIGNED = b"-----BEGIN PGP SIGNED MESSAGE-----"


@dataclass(frozen=True)
class Origin:
    """A base as it is asked for: ``base`` is a path or an address.

    ``sums`` is the publisher's file of checksums (path or address), signed in itself or beside it with a key
    of the armoured file ``key``; or ``sha256`` is the checksum itself. ``unverified`` says that one will do
    which is not what its own media checksum says.
    """

    base: str
    sha256: str = ""
    sums: str = ""
    key: Optional[Path] = None
    unverified: bool = False


@dataclass(frozen=True)
class Found:
    """The base as a file, and the SHA-256 it must have or an empty string; ``signed`` by its publisher."""

    path: Path
    sha256: str
    signed: bool = False


def obtain(origin: Origin, reporter: Reporter) -> Found:
    """Return the base, downloaded if it is an address.

    A local base's checksum is compared by who reads it, once; a downloaded one's here. Raises SwitchroomError
    (usage) for an address without anything to check it by, and (refused) for what does not match.
    """
    wanted = _wanted(origin, reporter)
    signed = bool(wanted and not origin.sha256)
    if not is_url(origin.base):
        return Found(Path(origin.base), wanted, signed)
    if not wanted:
        raise SwitchroomError(
            f"Nothing says what '{origin.base}' must be, so it could be anything.",
            hint="Give --base-sums and --base-key (the publisher's), or --base-sha256.",
            code=ExitCode.USAGE,
        )
    folder = cache_dir("iso", "bases", wanted)
    path = fetch(origin.base, folder, reporter)
    with reporter.step("Checking the download", path.stat().st_size) as step:
        found = sha256(path, step.advance)
    if found != wanted:
        path.unlink()
        raise mismatch(path, wanted, found)
    return Found(path, wanted, signed)


def mismatch(path: Path, wanted: str, found: str) -> SwitchroomError:
    """Return the error for a base that is not what it must be."""
    return SwitchroomError(
        f"The base '{path.name}' does not have the SHA-256 that its publisher names.",
        cause=f"wanted {wanted}\nfound  {found}",
        hint="Download it again; if it stays so, the file or the checksums are not the publisher's.",
        code=ExitCode.REFUSED,
    )


def _wanted(origin: Origin, reporter: Reporter) -> str:
    if origin.unverified and (origin.sha256 or origin.sums):
        raise _usage("A checksum was named, and --base-unverified too", "Leave one of them out.")
    if origin.sha256:
        if not _SHA256.fullmatch(origin.sha256.lower()):
            raise _usage(f"'{origin.sha256}' is no SHA-256", "Give its 64 hexadecimal digits.")
        return origin.sha256.lower()
    if not origin.sums:
        return ""
    if origin.key is None:
        raise _usage(
            "Checksums say nothing without a signature",
            "Give the publisher's key with --base-key, or a checksum that you trust with --base-sha256.",
        )
    sums = _signed_text(origin.sums, origin.key, reporter)
    return _named(
        sums, Path(file_name(origin.base) if is_url(origin.base) else origin.base).name, origin.sums
    )


def _signed_text(sums: str, key: Path, reporter: Reporter) -> str:
    """Return the checksums' text as far as it is signed."""
    with tempfile.TemporaryDirectory(prefix="switchroom-") as name, verifier(key.read_bytes()) as trusted:
        path = _local(sums, Path(name), reporter)
        text = _checked_text(trusted, sums, path, reporter)
        for remark in trusted.remarks:
            reporter.warn(remark)
        return text


def _checked_text(trusted: Verifier, sums: str, path: Path, reporter: Reporter) -> str:
    if path.read_bytes().lstrip().startswith(_CLEAR_SIGNED):
        return trusted.clear_signed(path).decode(errors="replace")
    with tempfile.TemporaryDirectory(prefix="switchroom-") as name:
        trusted.check_detached(path, _signature(sums, path, Path(name), reporter))
    return path.read_text(errors="replace")


def _local(place: str, folder: Path, reporter: Reporter) -> Path:
    if not is_url(place):
        if not Path(place).is_file():
            raise _usage(f"'{place}' does not exist", "Give the publisher's file of checksums.")
        return Path(place)
    path = folder / file_name(place)
    download(place, path, reporter)
    return path


def _signature(sums: str, path: Path, folder: Path, reporter: Reporter) -> Path:
    failed = ""
    for suffix in _SIGNATURES:
        if not is_url(sums):
            if Path(sums + suffix).is_file():
                return Path(sums + suffix)
            continue
        try:
            return _local(sums + suffix, folder, reporter)
        except SwitchroomError as error:
            failed = failed or f"{error.message}\n{error.cause}".strip()
    raise SwitchroomError(
        f"'{path.name}' is not signed, and beside it there is no signature either.",
        cause=failed,
        hint=f"Looked for: {', '.join(path.name + suffix for suffix in _SIGNATURES)}.",
        code=ExitCode.REFUSED,
    )


def _named(text: str, name: str, sums: str) -> str:
    found: Dict[str, str] = {}
    for form in _LINES:
        found.update({Path(row["name"].strip()).name: row["sum"].lower() for row in form.finditer(text)})
    if name not in found:
        raise SwitchroomError(
            f"'{sums}' has no SHA-256 of '{name}'.",
            cause=f"It has those of: {', '.join(sorted(found)) or 'nothing'}.",
            hint="A base must have the name its publisher gave it.",
            code=ExitCode.REFUSED,
        )
    return found[name]


def _usage(message: str, hint: str) -> SwitchroomError:
    return SwitchroomError(f"{message}.", hint=hint, code=ExitCode.USAGE)
