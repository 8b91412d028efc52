"""Public keys: which a file holds, and whether a signature that one of them made counts.

Keys are compared by fingerprint, never by their armour: a comment, other line ends or a longer life make
other bytes of the same key.
"""

from __future__ import annotations

import enum
import functools
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import require_room

ARMOUR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_SHORTEST_RSA = 2048  # bits; EL's DEFAULT crypto policy draws the same line
# OpenPGP's numbers (RFC 4880, 9.1 and 9.4).
_RSA_AND_DSA = (1, 2, 3, 16, 17)
_RSA = (1, 2, 3)
_WEAK_DIGESTS = {"1", "2", "3"}  # MD5, SHA-1, RIPEMD-160
_SHOW = ("--no-options", "--batch", "--no-autostart", "--with-colons", "--with-sig-list", "--show-keys")


class Verdict(enum.Enum):
    """What a signature says of what it signs."""

    SIGNED = "signed by this key"
    UNSIGNED = "not signed"
    FOREIGN = "signed by another key"
    DAMAGED = "damaged or not a package"
    REVOKED = "signed by a key that was revoked"
    EXPIRED = "signed after its key had expired"
    WEAK = "signed too weakly (SHA-1, or a key under 2048 bits)"


@dataclass(frozen=True)
class PublicKey:
    """A primary key (whose ``primary`` is itself) or a subkey; dates in seconds since 1970."""

    fingerprint: str
    primary: str
    owner: str
    algorithm: int
    bits: int
    created: int
    expires: Optional[int]
    revoked: bool
    certified_by: Tuple[str, ...]  # digests of its self-signatures, in OpenPGP's numbers

    @property
    def short(self) -> bool:
        """Whether its size alone makes it too weak."""
        return self.algorithm in _RSA_AND_DSA and self.bits < _SHORTEST_RSA

    @property
    def is_rsa(self) -> bool:
        """Whether every rpm of Enterprise Linux reads its signatures."""
        return self.algorithm in _RSA

    @property
    def by_weak_digest(self) -> bool:
        """Whether it vouches for itself with nothing better than SHA-1."""
        return bool(self.certified_by) and set(self.certified_by) <= _WEAK_DIGESTS

    def is_past(self, moment: float) -> bool:
        """Tell whether it had expired by then."""
        return self.expires is not None and self.expires <= moment

    def state(self, now: float) -> str:
        """Return in a word or two whether it is good, and until when."""
        if self.revoked:
            return "revoked"
        if self.expires is None:
            return "does not expire"
        return f"{'expired on' if self.is_past(now) else 'valid until'} {_day(self.expires)}"


@dataclass(frozen=True)
class PublicKeys:
    """All keys of one file, primary keys each before its subkeys."""

    keys: Tuple[PublicKey, ...]

    @property
    def primaries(self) -> Tuple[PublicKey, ...]:
        """The primary keys: what a person calls a key."""
        return tuple(key for key in self.keys if key.fingerprint == key.primary)

    @property
    def fingerprints(self) -> Tuple[str, ...]:
        """Fingerprints of the primary keys."""
        return tuple(key.fingerprint for key in self.primaries)

    def find(self, ending: str) -> Tuple[PublicKey, ...]:
        """Return the key whose fingerprint ends so and, where it is a subkey, its primary; or nothing."""
        found = next((key for key in self.keys if key.fingerprint.endswith(ending.upper())), None)
        if found is None:
            return ()
        return (found, *(key for key in self.primaries if key.fingerprint == found.primary != ending))

    def judge(self, ending: str, made: float, digest: str) -> Verdict:
        """Return what an otherwise good signature is worth: by whom, when, and with which digest's number."""
        line = self.find(ending)
        if not line:
            return Verdict.FOREIGN
        if any(key.revoked for key in line):
            return Verdict.REVOKED
        if digest in _WEAK_DIGESTS or any(key.short for key in line):
            return Verdict.WEAK
        return Verdict.EXPIRED if any(key.is_past(made) for key in line) else Verdict.SIGNED

    def remarks(self, ending: str, now: float) -> Iterator[str]:
        """Yield what a person should know of the key behind a signature that counts."""
        for key in self.find(ending):
            if key.expires is not None and key.is_past(now):
                yield (
                    f"The key {key.fingerprint} expired on {_day(key.expires)};"
                    " what it signed before that still counts."
                )
            if key.by_weak_digest:
                yield f"The key {key.fingerprint} vouches for itself with SHA-1, which EL10 refuses."


def read_keys(armoured: bytes, what: str = "The public key") -> PublicKeys:
    """Return the keys of ASCII-armoured text, which may hold several, in one block or many.

    Raises SwitchroomError (code USAGE) where there is none.
    """
    found, said = _listed(armoured)
    if not found or ARMOUR not in armoured:
        raise SwitchroomError(
            f"{what} cannot be read.",
            cause=said or "It is not ASCII-armoured.",
            hint="Give a file that 'gpg --armor --export FINGERPRINT' wrote.",
            code=ExitCode.USAGE,
        )
    return PublicKeys(found)


def fingerprint(armoured: bytes) -> str:
    """Return the 40-digit fingerprint of the (first) key of ASCII-armoured text."""
    return read_keys(armoured).fingerprints[0]


@functools.lru_cache(maxsize=64)
def _listed(armoured: bytes) -> Tuple[Tuple[PublicKey, ...], str]:
    """Return the keys gpg sees in some text, and its last words; raises OSError where the disk is full."""
    with tempfile.TemporaryDirectory(prefix="keys-") as home:
        command = ["gpg", "--homedir", home, *_SHOW]
        result = process.run(command, env={"LC_ALL": "C"}, stdin=armoured, check=False)
        if result.returncode != 0:
            require_room(Path(home))
    return _parse(result.stdout.decode(errors="replace")), process.last_lines(result.stderr)


def _parse(listing: str) -> Tuple[PublicKey, ...]:
    """Read gpg's colon listing (its doc/DETAILS names the fields)."""
    rows = [line.split(":") for line in listing.splitlines()]
    starts = [number for number, row in enumerate(rows) if row[0] in ("pub", "sub")]
    groups = [rows[start:end] for start, end in zip(starts, [*starts[1:], len(rows)])]
    found: List[PublicKey] = []
    for group in groups:
        key = _key(group, found[-1].primary[-16:] if group[0][0] == "sub" else group[0][4])
        parent = key if group[0][0] == "pub" else found[-1]
        found.append(replace(key, primary=parent.primary, owner=parent.owner))
    return tuple(found)


def _key(rows: Sequence[Sequence[str]], certifier: str) -> PublicKey:
    head = rows[0]
    first: Dict[str, Sequence[str]] = {}
    for row in rows:
        first.setdefault(row[0], row)
    name = first["fpr"][9]
    return PublicKey(
        fingerprint=name,
        primary=name,
        owner=first["uid"][9] if "uid" in first else "",
        algorithm=int(head[3]),
        bits=int(head[2]),
        created=int(head[5]),
        expires=int(head[6]) if head[6] else None,
        revoked=head[1] == "r",
        certified_by=tuple(sorted({row[15] for row in rows if row[0] == "sig" and row[4] == certifier})),
    )


def _day(moment: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(moment))
