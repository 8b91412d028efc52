"""Test results on record: what the gate goes by."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Optional, Sequence, Tuple

from switchroom.build.keys import SigningKey
from switchroom.build.repo import chronicle, layout, records
from switchroom.build.repo.keyring import trusted_keys
from switchroom.build.repo.layout import MAJORS, TESTING, open_repo
from switchroom.build.repo.select import select
from switchroom.core.errors import ExitCode, SwitchroomError

_SUITE = re.compile(r"[a-z0-9][a-z0-9._-]*")


def record(
    root: Path,
    suite: str,
    names: Optional[Sequence[str]],
    *,
    passed: bool,
    key: SigningKey,
    el: int = MAJORS[0],
    note: str = "",
    dry_run: bool = False,
) -> Tuple[str, ...]:
    """Record, signed by the repository's key, that a suite passed or failed on packages of testing.

    ``names`` are names or NEVRAs, None for all of testing. Returns their NEVRAs. The newest result of a suite
    counts. Raises SwitchroomError (code USAGE) for a suite's name with other characters than small letters,
    digits, dots, hyphens and underscores, (REFUSED) for a key that is not the repository's.
    """
    check_suite(suite)
    source = open_repo(root, TESTING, el)
    keys = trusted_keys(root, key)
    with contextlib.nullcontext() if dry_run else layout.writer_lock(root):
        packages = source.packages() if names is None else select(source.packages(), names, where=TESTING)
        if packages and not dry_run:
            detail = {"suite": suite, "passed": passed, "note": note}
            chronicle.note(source, records.TESTED, packages, key=key, keys=keys, **detail)
    return tuple(package.nevra for package in packages)


def check_suite(suite: str) -> None:
    """Raise SwitchroomError unless a suite's name is one."""
    if not _SUITE.fullmatch(suite):
        raise SwitchroomError(
            f"'{suite}' is no name for a test suite.",
            hint="Use small letters, digits, dots, hyphens and underscores, for example: lab-calls",
            code=ExitCode.USAGE,
        )
