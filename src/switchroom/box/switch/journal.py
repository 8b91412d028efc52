"""The log of a transaction: what was intended, what was done; true after a crash at any point.

One record a line, ``{crc32 as 8 hex digits} {JSON}``, appended and flushed to disk before the next thing
happens. The JSON has ``seq`` (0, 1, ...), ``time`` (ISO 8601, UTC), ``boot`` (the kernel's boot id),
``kind``, ``step`` and ``data``.
"""

from __future__ import annotations

import contextlib
import datetime
import enum
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, List, Mapping, Optional, Tuple

from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import fsync_dir

FILE = "journal"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Kind(enum.Enum):
    """What a record says."""

    BEGIN = "begin"
    ATTEMPT = "attempt"
    INTENT = "intent"
    DONE = "done"
    FAILED = "failed"
    DECIDE = "decide"
    BOOT = "boot"
    END = "end"


@dataclass(frozen=True)
class Record:
    """One line of the journal."""

    seq: int
    time: str
    boot: str
    kind: Kind
    step: str
    data: Mapping[str, Any]

    @property
    def seconds(self) -> float:
        """When it was written, as seconds since 1970."""
        return datetime.datetime.fromisoformat(self.time).timestamp()


def now() -> str:
    """Return the time as records and events carry it."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


def boot_id() -> str:
    """Return the name of this boot, which changes with every start of the machine."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def read(path: Path) -> Tuple[Record, ...]:
    """Return the records of a journal; a torn end is left out.

    Raises SwitchroomError (code ATTENTION) naming file and line when a broken line stands before a good one.
    """
    return tuple(_parse(path)[0])


def create(folder: Path, data: Mapping[str, Any], boot: str) -> None:
    """Write a journal that holds its first record, ``begin``, into a folder; flushed to disk."""
    with Journal(folder / FILE, boot) as journal:
        journal.append(Kind.BEGIN, **data)
    fsync_dir(folder)


class Journal(contextlib.AbstractContextManager["Journal"]):
    """A journal open for writing. There is one writer at a time: the holder of the worker's lock."""

    def __init__(self, path: Path, boot: str) -> None:
        """Open a journal, made if absent; what was torn off its end by a crash is cut away."""
        self._boot = boot
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            records, size = _parse(path)
            self._records = list(records)
            os.ftruncate(self._handle, size)
            os.lseek(self._handle, size, os.SEEK_SET)
            os.fsync(self._handle)
        except BaseException:
            os.close(self._handle)
            raise

    def __exit__(self, *_exception: object) -> None:
        os.close(self._handle)

    @property
    def records(self) -> Tuple[Record, ...]:
        """All records so far."""
        return tuple(self._records)

    @property
    def boot(self) -> str:
        """The boot that new records are written in."""
        return self._boot

    def append(self, kind: Kind, step: str = "", **data: Any) -> Record:
        """Add a record; it is on the disk when this returns."""
        record = Record(len(self._records), now(), self._boot, kind, step, data)
        line = _line(record)
        if os.write(self._handle, line) != len(line):
            raise SwitchroomError("The journal of the transaction could not be written whole.")
        os.fsync(self._handle)
        self._records.append(record)
        return record


def _line(record: Record) -> bytes:
    plain = {**vars(record), "kind": record.kind.value, "data": dict(record.data)}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _parse(path: Path) -> Tuple[List[Record], int]:
    """Return the good records and the number of bytes they take."""
    records: List[Record] = []
    size = bad = 0
    for number, line in enumerate(_lines(path), start=1):
        record = _record(line)
        if record is None:
            bad = bad or number
        elif bad or record.seq != len(records):
            raise _damaged(path, bad or number)
        else:
            records.append(record)
            size += len(line)
    return records, size


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from stream


def _record(line: bytes) -> Optional[Record]:
    digits, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or digits != b"%08x" % zlib.crc32(text):
        return None
    plain = json.loads(text)
    return Record(**{**plain, "kind": Kind(plain["kind"])})


def _damaged(path: Path, line: int) -> SwitchroomError:
    return SwitchroomError(
        f"The journal '{path}' is damaged in line {line}: it cannot be trusted to tell what was done.",
        hint=f"See what runs (asterisk -rx 'core show version'), then move the folder '{path.parent}' "
        "away and run the switch again.",
        code=ExitCode.ATTENTION,
    )
