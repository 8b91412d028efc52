"""What rpmbuild is told besides the spec: macro files, settings and the environment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List, Mapping, Tuple

from switchroom.build.host import is_el

_MACRO = re.compile(r"^%(?P<name>\w+)\s+(?P<value>.*)$", re.MULTILINE)
REPRODUCIBLE = "macros.reproducible"
# What is not EL is told EL's rules first, then what else its rpm lacks.
LAB = ("macros.el9", "macros.lab")


def files(specs: Path, el: bool | None = None) -> Tuple[Path, ...]:
    """Return the macro files beside the specs that count on this host (``el``: asked if None)."""
    names = (REPRODUCIBLE,) if (is_el() if el is None else el) else (*LAB, REPRODUCIBLE)
    return tuple(specs / name for name in names)


def load_options(specs: Path) -> List[str]:
    """Return the options that load the macro files."""
    return [word for path in files(specs) for word in ("--load", str(path))]


def define_options(defines: Mapping[str, str]) -> List[str]:
    """Return the options that set macros to plain text."""
    return [word for name, value in defines.items() for word in ("--define", f"{name} {_literal(value)}")]


def parse(path: Path) -> Dict[str, str]:
    """Return the plain macros of a macro file, for builders that cannot load the file."""
    return {match["name"]: match["value"].strip() for match in _MACRO.finditer(path.read_text())}


def _literal(value: str) -> str:
    return value.replace("%", "%%") or "%{nil}"
