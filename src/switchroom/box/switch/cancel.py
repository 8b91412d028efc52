"""Asking the worker to end a switch before it stops anything."""

from __future__ import annotations

from switchroom.box.paths import Paths
from switchroom.core.files import write_atomic

_FILE = "cancel"


def request(paths: Paths, transaction: str) -> None:
    """Ask for the end of a transaction; it is heard until Asterisk is about to be stopped."""
    write_atomic(paths.runtime / _FILE, transaction.encode())


def requested(paths: Paths, transaction: str) -> bool:
    """Return whether somebody asked for the end of this transaction."""
    try:
        return (paths.runtime / _FILE).read_text(encoding="utf-8") == transaction
    except FileNotFoundError:
        return False


def forget(paths: Paths) -> None:
    """Take the wish back: the transaction has ended."""
    (paths.runtime / _FILE).unlink(missing_ok=True)
