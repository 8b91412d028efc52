"""Tells of a change: to those who ask later, in the records, and to people, on the repository's page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterable

from switchroom.build.keys import SigningKey
from switchroom.build.repo import page, records
from switchroom.build.repo.layout import Channel
from switchroom.build.repo.metadata import RepoPackage
from switchroom.build.signatures import UntrustedError, verifier


def note(
    target: Channel,
    event: str,
    packages: Iterable[RepoPackage],
    *,
    key: SigningKey,
    keys: bytes,
    **detail: Any,
) -> None:
    """Record what happened to packages of a channel and write the page anew; under the writer's lock.

    ``keys`` are the public keys that count for who signs with ``key``.
    """
    generation = target.current.name if target.current else ""
    place, root = f"{target.name}/el{target.el}", target.root
    with verifier(keys) as trusted, key.held() as held:
        records.add(root, event, place, generation, packages, key=held, trusted=trusted, detail=detail)
        page.write(root, records.examine(root, trusted), held)


def mend(root: Path, key: SigningKey, keys: bytes) -> None:
    """Write the page anew where a crash, or somebody, left another than the last change did."""
    with verifier(keys) as trusted:
        try:
            page.check(root, trusted)
        except UntrustedError:
            page.write(root, records.examine(root, trusted), key)
