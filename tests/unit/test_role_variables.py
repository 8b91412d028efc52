"""What a role's tasks name is the role's own: a playbook's variables of the same name cannot shadow it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set, Tuple

import pytest
import yaml
from jinja2 import Environment, nodes

ROLES = Path(__file__).parents[2] / "roles"
FILES = sorted(path for folder in ("tasks", "handlers") for path in ROLES.glob(f"*/{folder}/*.yml"))
TEMPLATES = sorted(ROLES.glob("*/templates/*"))
NAMES = sorted(path.name for path in ROLES.iterdir())
# Of roles, of Ansible and Jinja, and the two of the site that defaults may follow.
_KNOWN = re.compile(
    rf"_*({'|'.join(NAMES)})_|ansible_|(item|inventory_hostname|lookup|omit|range|dict|pbx_profile|pbx_provisioning)$"
)
_CONDITIONS = ("when", "failed_when", "changed_when", "until", "that")
_LISTS = ("block", "rescue", "always")
_OF_ROLES = ("ansible.builtin.include_role", "ansible.builtin.import_role")
_FACT = "ansible.builtin.set_fact"

Task = Dict[str, Any]


def tasks(listed: List[Task]) -> Iterator[Task]:
    """Give each task of a list, those of its blocks too."""
    for task in listed or []:
        yield task
        for key in _LISTS:
            yield from tasks(task.get(key, []))


def named(task: Task) -> Iterator[str]:
    """Give each variable that a task makes."""
    yield from task.get("vars", {})
    yield from task.get(_FACT, {})
    control = task.get("loop_control", {})
    yield from (control[key] for key in ("loop_var", "index_var") if key in control)
    if "register" in task:
        yield task["register"]


def prefixes(role: str, task: Task) -> Tuple[str, ...]:
    """Return how the variables that a task of a role makes may begin: it may hand some to another role."""
    called = [task[key]["name"].rpartition(".")[2] for key in _OF_ROLES if key in task]
    return (f"__{role}_", *(f"{name}_" for name in called), *(f"__{name}_" for name in called))


def strangers(role: str, listed: List[Task]) -> List[str]:
    """Return the variables that have not the role's prefix."""
    return [
        name for task in tasks(listed) for name in named(task) if not name.startswith(prefixes(role, task))
    ]


def expressions(value: Any, bare: bool = False) -> Iterator[str]:
    """Give each template below a value; a condition is one without its braces."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from expressions(below, bare=key in _CONDITIONS)
    elif isinstance(value, list):
        for below in value:
            yield from expressions(below, bare)
    elif isinstance(value, str):
        yield f"{{{{ {value} }}}}" if bare else value


def unknown(texts: Iterator[str]) -> Set[str]:
    """Return the variables that templates read and that are nobody's by their names."""
    found = [name for text in texts for name in Environment().parse(text).find_all(nodes.Name)]  # noqa: S701
    own = {name.name for name in found if name.ctx != "load"}
    return {name.name for name in found if not _KNOWN.match(name.name)} - own


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # of expressions, which Jinja sees through
@pytest.mark.parametrize("path", [*FILES, *TEMPLATES], ids=lambda path: "/".join(path.parts[-3:]))
def test_whose_a_variable_is_shows_in_its_name(path: Path) -> None:
    text = path.read_text()
    assert unknown(iter([text]) if path in TEMPLATES else expressions(yaml.safe_load(text))) == set()


def test_what_is_read_is_found_in_texts_and_in_conditions() -> None:
    task = {
        "when": ["a is changed", True],
        "ansible.builtin.assert": {"that": "b | length > c[0].size", "fail_msg": "{{ d }} of e"},
        "loop": "{{ __base_parts | map('f', item) | difference(g) }}",
    }
    assert unknown(expressions(task)) == {"a", "b", "c", "d", "g"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3:]))
def test_a_roles_own_variables_have_its_prefix(path: Path) -> None:
    assert strangers(path.parts[-3], yaml.safe_load(path.read_text())) == []


def test_each_way_to_make_a_variable_is_looked_at() -> None:
    listed = yaml.safe_load("""
- block:
    - {ansible.builtin.set_fact: {a: 1, __x_kept: 1}, vars: {b: 1}}
  rescue:
    - {ansible.builtin.command: {}, register: c, loop_control: {loop_var: d, index_var: e}}
- {ansible.builtin.include_role: {name: switchroom.pbx.common}, vars: {common_packages: [], f: 1}}
- {ansible.builtin.include_tasks: part.yml, vars: {common_packages: []}}
""")
    assert sorted(strangers("x", listed)) == ["a", "b", "c", "common_packages", "d", "e", "f"]
