"""What kickstarts, first boot and roles call is there when they call it: by real systems' packages."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterator, Set

import pytest
import yaml
from pykickstart.constants import KS_SCRIPT_PRE

from support import el_facts, el_real
from support.kickstarts import handler, settings
from support.shell_programs import programs
from switchroom.build.kickstart.defaults import load_defaults
from switchroom.build.kickstart.render import render
from switchroom.build.kickstart.settings import Mode

ROOT = Path(__file__).parents[2]
PROGRAMS = {row["program"]: row for row in el_real.rows("programs.tsv")}
# What is ours, FreePBX's or an engine's: other tests install these.
OURS = {"asterisk", "fwconsole", "switchroom"}
RUNNERS = {"run", "output", "require", "run_command"}
MAJORS = ("9", "10")


def scripts(major: str, chroot: bool) -> Dict[str, str]:
    """Return the scripts of each kickstart of a major that run in the new system, or in the installer."""
    found = {}
    for mode in Mode:
        for number, one in enumerate(handler(render(settings(el=int(major), mode=mode)), int(major)).scripts):
            if (one.inChroot and one.type != KS_SCRIPT_PRE) == chroot:
                found[f"{mode.value}, script {number}"] = one.script
    return found


def installed(major: str) -> FrozenSet[str]:
    """Return what a machine has from the start: what all have, what kickstarts ask for, what ours require.

    The machines of EL 10 are a cloud's, with cloud-init and what it brings: what those of EL 9 lack does not
    count.
    """
    everywhere = el_real.packages("9", everywhere=True)
    if major == "10":
        everywhere &= el_real.packages("10", everywhere=True)
    asked = {name for name in load_defaults().major(int(major)).packages if not name.startswith("@")}
    specs = "".join(path.read_text() for path in (ROOT / "rpmspecs").glob("*.spec"))
    required = set(re.findall(r"^Requires(?:\(\w+\))?:\s+([a-z][\w-]+)", specs, re.MULTILINE))
    return everywhere | asked | required


def of_roles(major: str) -> Set[str]:
    """Return the packages that roles install."""
    return {name.name for name in el_facts.names() if name.kind == "package" and name.major == major}


def in_tasks(value: Any) -> Iterator[str]:
    """Return the programs that tasks run, as far as they are named in the task."""
    for part in value if isinstance(value, list) else []:
        yield from in_tasks(part)
    for key, part in value.items() if isinstance(value, dict) else []:
        if key == "ansible.builtin.command":
            first = part["argv"][0] if isinstance(part["argv"], list) else part["argv"]
            named = re.findall(r"(?:\[|else )'([a-z][\w-]+)'|^([a-z][\w-]+)$", first)
            yield from (one or other for one, other in named)
        elif isinstance(part, (list, dict)):
            yield from in_tasks(part)


def in_code(folder: Path) -> Iterator[str]:
    """Return the programs whose names stand first in a list that code runs."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and _name(node.func) in RUNNERS:
                first = node.args[0].elts[0] if isinstance(node.args[0], ast.List) else node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


@pytest.mark.parametrize("major", MAJORS)
def test_what_runs_outside_the_new_system_is_left_in_the_installer(major: str) -> None:
    """No installer of EL 10 was inspected: there only what lorax leaves counts."""
    runtime = el_real.installer(major)
    assert bool(runtime) == (major == "9")
    for name, script in scripts(major, chroot=False).items():
        called = {program: PROGRAMS[program] for program in programs(script)}
        assert called, name
        assert [program for program, row in called.items() if row["installer"] != "yes"] == [], name
        assert not runtime or {row[f"el{major}"] for row in called.values()} <= runtime, name


@pytest.mark.parametrize("major", MAJORS)
def test_what_runs_in_the_new_system_is_installed_there(major: str) -> None:
    first = (ROOT / "kickstart/first-password/first-password.sh").read_text()
    for name, script in {**scripts(major, chroot=True), "first password": first}.items():
        called = programs(script)
        assert called, name
        assert {PROGRAMS[program][f"el{major}"] for program in called} <= installed(major), name


@pytest.mark.parametrize("major", MAJORS)
def test_what_the_tool_runs_is_installed(major: str) -> None:
    called = set(in_code(ROOT / "src/switchroom/box")) - OURS
    assert {"rpm", "systemctl", "mount"} <= called
    assert {PROGRAMS[program][f"el{major}"] for program in called} <= installed(major)


@pytest.mark.parametrize("major", MAJORS)
def test_what_roles_run_is_installed_or_brought_by_a_role(major: str) -> None:
    tasks = (yaml.safe_load(path.read_text()) for path in (ROOT / "roles").glob("*/tasks/*.yml"))
    called = {program for task in tasks for program in in_tasks(task)} - OURS
    assert {"openssl", "postconf", "systemctl", "stat"} <= called
    assert {PROGRAMS[program][f"el{major}"] for program in called} <= installed(major) | of_roles(major)


def test_a_script_tells_its_programs_and_neither_functions_nor_builtins() -> None:
    script = """
show() { printf '%s' "$1" | sed 's/a/b/'; }
if show "$(lsblk -n)"; then "layout_$X" 1; fi
cat <<END
rm
$(stat /)
END
env LC_ALL=C sort <(command find .)
"""
    assert programs(script) == {"sed", "lsblk", "cat", "stat", "env", "sort", "find"}
