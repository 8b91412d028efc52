"""Which unit tests are of box code: those that import it, and nothing that a box does not have."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Iterator, Optional, Sequence

ROOT = Path(__file__).parents[2]
# EL9 and EL10 ship these for their platform Python in BaseOS and AppStream.
BOX_LIBRARIES = {"yaml", "jsonschema", "dnf", "rpm", "libdnf", "hawkey", "jinja2"}
BOX_ROOMS = ("switchroom.box", "switchroom.catalog", "switchroom.core", "switchroom.cli")
_TEST_LIBRARIES = {"pytest"}
_PLACES = ("src", "molecule", "tests", "tests/unit")  # where imports of this project are found


def imports(path: Path) -> set[str]:
    """Return the absolute names of modules a file imports, at any depth, and of what it takes from them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def box_tests(root: Path = ROOT) -> list[Path]:
    """Return the unit tests below ``root``, relative to it, that can run on a box and are of its code."""
    tests = sorted((root / "tests/unit").glob("test_*.py"))
    return [path.relative_to(root) for path in tests if _is_of_box_code(root, path)]


def _is_of_box_code(root: Path, test: Path) -> bool:
    names = _reached(root, test)
    ours = {name for name in names if _file(root, name.split(".")[0])}
    foreign = {name.split(".")[0] for name in names - ours}
    of_the_box = any(name.startswith(BOX_ROOMS) for name in ours)
    built = any(name.split(".")[:2] == ["switchroom", "build"] for name in ours)
    return of_the_box and not built and foreign <= sys.stdlib_module_names | BOX_LIBRARIES | _TEST_LIBRARIES


def _reached(root: Path, path: Path) -> set[str]:
    """Return every name that a file imports, itself or by way of this project's files."""
    seen: set[str] = set()
    files, todo = {path}, [path]
    while todo:
        names = imports(todo.pop())
        seen |= names
        found = {file for name in names for file in _files(root, name)} - files
        files |= found
        todo += found
    return seen


def _files(root: Path, name: str) -> Iterator[Path]:
    """Return the files that importing a module runs: its own and those of the packages it is in."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        file = _file(root, ".".join(parts[:count]))
        if file and file.is_file():
            yield file


def _file(root: Path, name: str, places: Sequence[str] = _PLACES) -> Optional[Path]:
    """Return a module's file, a package's ``__init__.py`` or a folder without one, or None."""
    for place in places:
        path = root / place / name.replace(".", "/")
        for found in (path.with_suffix(".py"), path / "__init__.py", path):
            if found.exists():
                return found
    return None
