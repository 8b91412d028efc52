"""The catalog of one day, which does not move: for tests of code that speak of versions, dates and counts."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data/frozen"
FROZEN = FOLDER / "catalog.yml"
