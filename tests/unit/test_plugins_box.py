"""What spares a run its questions: box_info looks once, settings_digest knows what was checked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Dict, List

import pytest

from support.collection import HERE, PLACE, collections, module, run

__all__ = ["collections"]  # a fixture

PROGRAMS = {
    "rpm": "printf 'chrony\\nswitchroom\\ngpg-pubkey\\ngpg-pubkey\\n'",
    "systemctl": """case $1 in
list-unit-files) printf 'chronyd.service enabled enabled\\nboot-only.service enabled enabled\\n' ;;
list-units) printf 'chronyd.service loaded active running A\\nby-hand.service loaded active running B\\n' ;;
esac""",
}
REPOSITORIES = {
    "one.repo": "[on]\nname=On\nmirrorlist=https://example.org/%20/$basearch\n[off]\nenabled = 0\n",
    "two.repo": "[yes]\nenabled=yes\n",
    "torn.repo": "no section\n",
    "note.txt": "[note]\n",
}


@pytest.fixture
def seen(collections: Path, tmp_path: Path) -> Dict[str, Any]:
    """What the module says about a box with those programs and repositories."""
    folder, repositories = tmp_path / "bin", tmp_path / "yum.repos.d"
    for where, files in ((folder, PROGRAMS), (repositories, REPOSITORIES)):
        where.mkdir()
        for name, text in files.items():
            (where / name).write_text(text)
    for name, text in PROGRAMS.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    copied = shutil.copytree(collections, tmp_path / "collections")
    source = copied / PLACE / "plugins/modules/box_info.py"
    source.write_text(source.read_text().replace('"/etc/yum.repos.d"', repr(str(repositories))))
    return module(copied, "box_info", {}, "--check", path=folder)


def test_packages_and_units_are_told_by_name(seen: Dict[str, Any]) -> None:
    assert (seen["failed"], seen["changed"]) == (False, False)
    assert seen["packages"] == ["chrony", "gpg-pubkey", "switchroom"]
    assert seen["enabled"] == ["boot-only.service", "chronyd.service"]
    assert seen["settled"] == ["chronyd.service"]


def test_repositories_are_read_as_dnf_does_and_a_torn_file_is_passed_over(seen: Dict[str, Any]) -> None:
    told = seen["repositories"]
    assert {name: options["on"] for name, options in told.items()} == {"on": True, "off": False, "yes": True}
    assert told["on"]["mirrorlist"] == "https://example.org/%20/$basearch"


PLAYBOOK = """\
- hosts: localhost
  gather_facts: false
  vars:
    asterisk_version: "{{ changes.series | default('22') }}"
    asterisk_modules: "{{ changes.modules | default([]) }}"
    base_profile: "{{ changes.profile | default('asterisk') }}"
  tasks:
    - ansible.builtin.set_fact:
        digests: "{{ digests | default([]) + [lookup('switchroom.pbx.settings_digest', 'asterisk')] }}"
      loop:
        - {}
        - {profile: freepbx}
        - {series: "20"}
        - {modules: [odbc]}
        - {series: "22"}
      loop_control:
        loop_var: changes
    - ansible.builtin.copy:
        dest: DEST
        content: "{{ digests | to_json }}"
"""


def digests(collections: Path, folder: Path) -> List[str]:
    """Return the digest with variables as given, and with four others, in one run of Ansible."""
    answer, playbook = folder / "answer.json", folder / "playbook.yml"
    playbook.write_text(PLAYBOOK.replace("DEST", str(answer)))
    run("ansible-playbook", *HERE, str(playbook), ANSIBLE_COLLECTIONS_PATH=str(collections))
    said: List[str] = json.loads(answer.read_text())
    return said


def test_a_digest_changes_with_the_roles_variables_only_and_with_the_run(
    collections: Path, tmp_path: Path
) -> None:
    given, another_role, another_value, one_more, same = digests(collections, tmp_path)
    assert given == another_role == same
    assert len({given, another_value, one_more}) == 3
    assert digests(collections, tmp_path)[0] != given
