"""The data a lab base is made from, and the name of its content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping

import jsonschema
import yaml

HERE = Path(__file__).resolve().parent
DRESS = HERE / "dress"
STUB_SPEC = HERE / "lab-base.spec.in"

# The files whose content decides what a base is.
_INGREDIENTS = ("recipe.yml", "lab-base.spec.in", "base.py", "dressing.py", "accounts.py", "stub.py", "dress")


@dataclass(frozen=True)
class Recipe:
    """The recipe as ``recipe.schema.json`` describes it; paths are relative to the root of the base."""

    suite: str
    release: str
    packages: Mapping[str, list[str]]
    folders: list[str]
    links: Mapping[str, str]
    remove: list[str]
    empty: list[str]
    hide_in: str
    hide: list[str]
    mask: list[str]
    provides: Mapping[str, list[str]]


def load_recipe() -> Recipe:
    """Return the checked recipe; raises jsonschema's ValidationError if it is malformed."""
    data: dict[str, Any] = yaml.safe_load((HERE / "recipe.yml").read_text())
    jsonschema.validate(data, json.loads((HERE / "recipe.schema.json").read_text()))
    return Recipe(**data)


def content_key() -> str:
    """Return 16 hexadecimal digits that change with anything a base is made from."""
    digest = hashlib.sha256()
    for path in _ingredient_files():
        digest.update(f"{path.relative_to(HERE)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _ingredient_files() -> Iterator[Path]:
    for name in _INGREDIENTS:
        path = HERE / name
        yield from [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
