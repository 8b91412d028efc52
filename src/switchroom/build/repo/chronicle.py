"""Tells of a change: to those who ask later, in the records, and to people, on the repository's page."""

from __future__ import annotations

from typing import Any, Iterable

from switchroom.build.repo import page, records
from switchroom.build.repo.layout import Channel
from switchroom.build.repo.metadata import RepoPackage


def note(target: Channel, event: str, packages: Iterable[RepoPackage], **detail: Any) -> None:
    """Record what happened to packages of a channel and write the page anew; under the writer's lock."""
    generation = target.current.name if target.current else ""
    records.add(target.root, event, f"{target.name}/el{target.el}", generation, packages, **detail)
    page.write(target.root)
