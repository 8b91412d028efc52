"""Engines that fail as engines in the field do; each is a relabelled one with one thing wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping, Sequence

from lab.engines.keep import LabEngine
from lab.engines.relabel import altered
from switchroom.catalog.model import Series
from switchroom.core import process


@dataclass(frozen=True)
class Fault:
    """What is wrong: in words, and as a change to the engine's prefix."""

    words: str
    spoil: Callable[[Path], None]


def _module(body: str) -> Callable[[Path], None]:
    """Add a module that runs ``body`` (C) as soon as Asterisk loads it, which is while it starts."""
    source = f"""#include <stdlib.h>
#include <unistd.h>
__attribute__((constructor)) static void lab_fault(void) {{ {body} }}
"""

    def spoil(prefix: Path) -> None:
        target = prefix / "modules/res_lab_fault.so"
        process.run(
            ["gcc", "-shared", "-fPIC", "-x", "c", "-o", target, "-"],
            what="Compiling the faulty module",
            stdin=source.encode(),
        )

    return spoil


def _without(pattern: str) -> Callable[[Path], None]:
    def spoil(prefix: Path) -> None:
        for path in (prefix / "modules").glob(pattern):
            path.unlink()

    return spoil


FAULTS: Mapping[str, Fault] = {
    "crashes": Fault("It crashes while it starts.", _module("abort();")),
    "hangs": Fault("It never gets ready.", _module("for (;;) pause();")),
    "no-pjsip": Fault("It gets ready without PJSIP.", _without("*pjsip*.so")),
    "loses-registrations": Fault(
        "Its outbound registrations never come back.", _without("res_pjsip_outbound_registration.so")
    ),
}


def broken(original: Series, rpms: Sequence[Path], fault: str, version: str) -> LabEngine:
    """Return ``original`` (its RPM files among ``rpms``) as ``version``, broken by one of ``FAULTS``."""
    words = FAULTS[fault].words
    about = f"Asterisk {original.version} under another\nversion number, broken on purpose. {words}"
    return altered(original, rpms, version, about, FAULTS[fault].spoil)
