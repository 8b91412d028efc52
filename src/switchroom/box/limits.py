"""Where this tool gives up, as data: what is read of asterisk's files and answers, how long all may take."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Tuple

from switchroom.catalog import source
from switchroom.catalog.convert import to_dataclass

FILE = Path(__file__).resolve().parent / "data/limits.yml"


@dataclass(frozen=True)
class Reading:
    """What one reader may read of the folders ``roots``: bytes, files, names, lines, what they expand to."""

    roots: Tuple[str, ...]
    file_bytes: int
    bytes: int
    line_bytes: int
    files: int
    names: int
    statements: int
    expansions: int
    seconds: float


@dataclass(frozen=True)
class Answers:
    """What is taken of the answers of a running Asterisk, and how many threads ask."""

    line_bytes: int
    transports: int
    threads: int
    accounts: int


@dataclass(frozen=True)
class Limits:
    """All limits; ``look`` and ``steps`` (by name) are seconds."""

    reading: Reading
    answers: Answers
    look: float
    steps: Mapping[str, float]


@functools.cache
def load_limits() -> Limits:
    """Return the limits that the tool ships; a test compares the file with its schema."""
    return to_dataclass(Limits, source.merge([source.read_document(FILE)]))
