"""Every role keeps to the collection's conventions."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if (path / "meta").is_dir())
_MODULE = re.compile(r"^\s*(?:- )?([a-z0-9_]+\.[a-z0-9_]+)\.[a-z0-9_]+:", re.MULTILINE)


def load(role: str, path: str) -> Dict[str, Any]:
    file = ROOT / "roles" / role / path
    return (yaml.safe_load(file.read_text()) or {}) if file.exists() else {}


def specification(role: str) -> Dict[str, Any]:
    specs: Dict[str, Any] = load(role, "meta/argument_specs.yml")["argument_specs"]
    return specs


def test_readmes_are_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/role-docs", "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("role", ROLES)
def test_public_variables_are_described_typed_and_defaulted_alike(role: str) -> None:
    entries, defaults = specification(role), load(role, "defaults/main.yml")
    options = {name: about for entry in entries.values() for name, about in entry.get("options", {}).items()}
    assert all(about.get("description") and about.get("type") for about in options.values())
    assert all(name.startswith(f"{role}_") for name in options)
    main = entries["main"].get("options", {})
    assert {name: about["default"] for name, about in main.items() if "default" in about} == defaults


@pytest.mark.parametrize("role", ROLES)
def test_a_role_says_which_systems_it_is_for(role: str) -> None:
    assert load(role, "meta/main.yml")["galaxy_info"]["platforms"] == [
        {"name": "EL", "versions": ["9", "10"]}
    ]


@pytest.mark.parametrize("role", [role for role in ROLES if role != "common"])
def test_a_role_has_its_parts_and_private_variables_for_each_major(role: str) -> None:
    tasks = {path.stem for path in (ROOT / "roles" / role / "tasks").glob("*.yml")}
    assert tasks >= {"main", "preflight", "install", "configure", "verify"}
    nine, ten = (load(role, f"vars/el{major}.yml") for major in ("9", "10"))
    assert nine.keys() == ten.keys()
    assert all(name.startswith(f"__{role}_") for name in nine)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_needs_no_collection_but_ours(role: str) -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "roles" / role).glob("*/*.yml"))
    assert set(_MODULE.findall(text)) <= {"ansible.builtin", "switchroom.pbx"}
