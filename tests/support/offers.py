"""Offers as the packages part gives them, without a repository."""

from __future__ import annotations

from pathlib import Path

from switchroom.box.engines import Engine
from switchroom.box.packages import Offer

_ENGINES = Path("/usr/lib64/switchroom/engines")


def engine(name: str) -> Engine:
    """Return the engine of a name such as ``22.10.1-1``."""
    version, _, build = name.rpartition("-")
    return Engine(version, int(build), _ENGINES / name)


def offer(series: str, name: str, installed: bool = False, repository: str = "switchroom-stable") -> Offer:
    """Return an offer of an engine."""
    one = engine(name)
    return Offer(
        series=series,
        engine=one,
        nevra=f"{one.package}-{one.version}-{one.build}.lab.x86_64",
        installed=installed,
        repository=repository,
        download_bytes=8 << 20,
        install_bytes=40 << 20,
        fixture=False,
    )
