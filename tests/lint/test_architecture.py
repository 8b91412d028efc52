"""The house's arrows: which room may import which, and what a box may import at all."""

import ast
import sys
from pathlib import Path

import pytest
import test_lint

SOURCE = Path(__file__).parents[2] / "src"
FORBIDDEN = {
    "core": {"catalog", "build", "box", "cli"},
    "catalog": {"build", "box", "cli"},
    "build": {"box", "cli"},
    "box": {"build", "cli"},
}
# EL9 and EL10 ship these for their platform Python in BaseOS and AppStream.
BOX_LIBRARIES = {"yaml", "jsonschema", "dnf", "rpm", "libdnf", "hawkey", "jinja2"}


def imports(path: Path) -> set[str]:
    """Return the absolute names of all modules a file imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("room", sorted(FORBIDDEN))
def test_arrows_between_rooms_run_one_way(room: str) -> None:
    wrong = {
        f"{path.name} imports {name}"
        for path in (SOURCE / "switchroom" / room).rglob("*.py")
        for name in imports(path)
        if name.startswith("switchroom.") and name.split(".")[1] in FORBIDDEN[room]
    }
    assert wrong == set()


def test_box_code_imports_only_what_enterprise_linux_ships() -> None:
    roots = {name.split(".")[0] for file in test_lint.box_files() for name in imports(SOURCE.parent / file)}
    assert roots - sys.stdlib_module_names - BOX_LIBRARIES == {"switchroom"}
