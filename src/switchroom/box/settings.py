"""A box's settings: what the tool ships, with the site's own file over it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import jsonschema

from switchroom.box.paths import Paths
from switchroom.catalog import source
from switchroom.catalog.convert import to_dataclass
from switchroom.core.errors import ExitCode, SwitchroomError

_DATA = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class Drain:
    """How long calls in progress may go on, and how long new ones are refused at most, in seconds.

    ``maintenance`` holds where Asterisk has PJSIP's maintenance mode, ``refuse`` where it has not.
    """

    timeout: float
    maintenance: float
    refuse: float


@dataclass(frozen=True)
class Stop:
    """How long Asterisk may take to end, in seconds."""

    timeout: float


@dataclass(frozen=True)
class Health:
    """The thresholds of dial tone: times in seconds, shares of the baseline between 0 and 1."""

    timeout: float
    grace: float
    registrations: float
    contacts: float
    call: Optional[str]
    site_timeout: float


@dataclass(frozen=True)
class Disk:
    """Bytes that stay free on each file system."""

    reserve: int


@dataclass(frozen=True)
class Settings:
    """All settings of a box."""

    drain: Drain
    stop: Stop
    health: Health
    disk: Disk


def load_settings(paths: Paths) -> Settings:
    """Return the settings of a box; raises a usage error naming the file and place of what is wrong."""
    files = [_DATA / "settings.yml", *([paths.settings] if paths.settings.exists() else [])]
    merged = source.merge([source.read_document(file) for file in files])
    schema = json.loads((_DATA / "settings.schema.json").read_text(encoding="utf-8"))
    for error in jsonschema.Draft7Validator(schema).iter_errors(merged):
        place = ".".join(str(step) for step in error.absolute_path) or "the top level"
        raise SwitchroomError(
            f"The settings at '{place}' are not allowed, in '{paths.settings}'.",
            cause=error.message,
            hint="Correct them there; docs/switch.md lists every setting.",
            code=ExitCode.USAGE,
        )
    return to_dataclass(Settings, merged)
