"""What happened in a repository and what its tests found: one JSON document a line, in ``records.jsonl``.

A record names packages by the SHA-256 of the signed file, so that a result counts for the very file that was
tested. The file is replaced whole at each record: a power cut leaves the old one or the new one.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Iterable, Mapping, Tuple

from switchroom.build.repo.layout import RECORDS
from switchroom.build.repo.metadata import RepoPackage
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import write_atomic

PUBLISHED, PROMOTED, ROLLED_BACK, TESTED = "published", "promoted", "rolled-back", "tested"


@dataclass(frozen=True)
class Record:
    """One thing that happened; ``time`` in seconds since 1970, ``packages`` file name to SHA-256."""

    time: float
    by: str
    event: str
    channel: str
    generation: str
    packages: Mapping[str, str]
    detail: Mapping[str, Any] = field(default_factory=dict)

    def covers(self, package: RepoPackage) -> bool:
        """Tell whether the record is about this very file."""
        return self.packages.get(package.file_name) == package.sha256


def read(root: Path) -> Tuple[Record, ...]:
    """Return a repository's records, oldest first; raises SwitchroomError when the file is damaged."""
    path = root / RECORDS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    try:
        return tuple(Record(**json.loads(line)) for line in lines)
    except (ValueError, TypeError) as error:
        raise SwitchroomError(
            f"The records in '{path}' cannot be read.",
            cause=str(error),
            hint="Bring the file back from a backup, or move it away: packages then count as never tested.",
        ) from error


def add(
    root: Path, event: str, channel: str, generation: str, packages: Iterable[RepoPackage], **detail: Any
) -> Record:
    """Record something; the caller holds the writer's lock."""
    named = {package.file_name: package.sha256 for package in packages}
    record = Record(time.time(), _author(), event, channel, generation, named, detail)
    lines = [json.dumps(asdict(each), sort_keys=True) for each in (*read(root), record)]
    write_atomic(root / RECORDS, ("\n".join(lines) + "\n").encode())
    return record


def _author() -> str:
    return f"{os.environ.get('SUDO_USER') or getpass.getuser()}@{socket.gethostname()}"
