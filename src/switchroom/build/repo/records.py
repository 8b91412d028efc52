"""What happened in a repository and what its tests found: one JSON document a line, in ``records.jsonl``.

A record names packages by the SHA-256 of the signed file, so that a result counts for the very file that was
tested. It is signed by the repository's key, and names the record before it by its SHA-256, so that the
newest good signature vouches for all before. The file is replaced whole at each record: a power cut leaves
the old one or the new one. Whoever may write it can bring back an older state of it, as of any file here, and
no other.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import socket
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from switchroom.build.keys import SigningKey
from switchroom.build.repo.layout import RECORDS
from switchroom.build.repo.metadata import RepoPackage
from switchroom.build.signatures import UntrustedError, Verifier
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import write_atomic

PUBLISHED, PROMOTED, ROLLED_BACK, TESTED = "published", "promoted", "rolled-back", "tested"
KEYS, RENEWED = "keys", "renewed"


class DamagedError(SwitchroomError):
    """The records cannot be read at all."""


@dataclass(frozen=True)
class Record:
    """One thing that happened; ``time`` in seconds since 1970, ``packages`` file name to SHA-256.

    ``previous`` is the SHA-256 of the signed text of the record before; both fields are empty in old records.
    """

    time: float
    by: str
    event: str
    channel: str
    generation: str
    packages: Mapping[str, str]
    detail: Mapping[str, Any] = field(default_factory=dict)
    previous: str = ""
    signature: str = ""

    def covers(self, package: RepoPackage, el: int) -> bool:
        """Tell whether the record is about this very file, for this major of Enterprise Linux."""
        ours = self.channel.endswith(f"/el{el}")
        return ours and self.packages.get(package.file_name) == package.sha256

    @property
    def signed_text(self) -> bytes:
        """What the signature is about: all of it but the signature."""
        return json.dumps({**asdict(self), "signature": ""}, sort_keys=True).encode()

    @property
    def name(self) -> str:
        """What the record after it knows it by."""
        return hashlib.sha256(self.signed_text).hexdigest()


@dataclass(frozen=True)
class Chronicle:
    """All records, oldest first, apart by whether they count."""

    counted: Tuple[Record, ...]
    unsigned: Tuple[Record, ...]  # written before records were signed
    refused: Tuple[Record, ...]  # signed, but not by a key that counts, or changed since

    @property
    def known(self) -> Tuple[Record, ...]:
        """Those that count and those from before records were signed, in order of time."""
        return tuple(sorted((*self.counted, *self.unsigned), key=lambda each: each.time))

    def remarks(self) -> Tuple[str, ...]:
        """Return what to say of records that do not count."""
        count = len(self.unsigned)
        return (
            (f"{count} records are not signed and do not count as passed: record the tests again.",)
            if count
            else ()
        )


def read(root: Path) -> Tuple[Record, ...]:
    """Return a repository's records, oldest first; raises DamagedError when it is damaged."""
    path = root / RECORDS
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return tuple(Record(**json.loads(line)) for line in lines)
    except (ValueError, TypeError) as error:
        raise DamagedError(
            f"The records in '{path}' cannot be read.",
            cause=str(error),
            hint="Bring the file back from a backup, or move it away: packages then count as never tested.",
        ) from error


def examine(root: Path, trusted: Verifier) -> Chronicle:
    """Return a repository's records by whether they count: those the newest good signature vouches for."""
    known = read(root)
    counted = _line_of(known, trusted)
    names = {record.name for record in counted}
    rest = [record for record in known if record.name not in names]
    return Chronicle(
        counted,
        tuple(record for record in rest if not record.signature),
        tuple(record for record in rest if record.signature),
    )


def add(
    root: Path,
    event: str,
    channel: str,
    generation: str,
    packages: Iterable[RepoPackage],
    *,
    key: SigningKey,
    trusted: Verifier,
    detail: Mapping[str, Any],
) -> Record:
    """Record something, signed; the caller holds the writer's lock. What did not count still does not."""
    known = read(root)
    line = _line_of(known, trusted)
    named = {package.file_name: package.sha256 for package in packages}
    now, previous = time.time(), line[-1].name if line else ""
    plain = Record(now, _author(), event, channel, generation, named, detail, previous)
    signature = key.signature(plain.signed_text, int(now)).decode()
    record = Record(**{**vars(plain), "signature": signature})
    lines = [json.dumps(asdict(each), sort_keys=True) for each in (*known, record)]
    write_atomic(root / RECORDS, ("\n".join(lines) + "\n").encode())
    return record


def _line_of(known: Sequence[Record], trusted: Verifier) -> Tuple[Record, ...]:
    """Return the records that count, oldest first: the newest well signed, and those it leads back to."""
    by_name: Dict[str, Record] = {record.name: record for record in known}
    head = next((record for record in reversed(known) if _is_signed(record, trusted)), None)
    line: List[Record] = []
    while head is not None:
        line.append(head)
        head = by_name.get(head.previous)
    return tuple(reversed(line))


def _is_signed(record: Record, trusted: Verifier) -> bool:
    if not record.signature:
        return False
    try:
        trusted.check_bytes(record.signed_text, record.signature.encode(), "a record")
    except UntrustedError:
        return False
    return True


def _author() -> str:
    return f"{os.environ.get('SUDO_USER') or getpass.getuser()}@{socket.gethostname()}"
