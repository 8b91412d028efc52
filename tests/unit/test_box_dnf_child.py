"""The dnf child stays apart: it runs on the system's Python, of any age, and knows nothing of the tool."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from switchroom.box import dnf_child

FOLDER = Path(dnf_child.__file__).parent
SYSTEM = {"dnf", "libdnf", "rpm"}


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_it_imports_nothing_but_itself_and_what_the_system_brings() -> None:
    names = {name for path in FOLDER.glob("*.py") for name in imported(path)}
    ours = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names | SYSTEM}
    assert ours
    assert all(
        name.startswith("switchroom.box.dnf_child.") or name == "switchroom.box.dnf_child" for name in ours
    )


def test_it_runs_on_python_3_6() -> None:
    parents = (FOLDER.parent / "__init__.py", FOLDER.parents[1] / "__init__.py")
    files = [str(path) for path in (*parents, *sorted(FOLDER.glob("*.py")))]
    argv = ["vermin", "--quiet", "--no-tips", "--violations", "--target=3.6-", *files]
    tool = Path(sys.executable).parent / argv[0]
    done = subprocess.run([str(tool), *argv[1:]], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
