"""What the collection's callback tells the first boot's program, by a real run of Ansible."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

from support.collection import HERE, in_place, run

_PLAYBOOK = """
- name: Look
  hosts: all
  gather_facts: false
  vars: &roles
    __site_roles: [one, two]
  tasks:
    - name: Look into each
      ansible.builtin.include_role:
        name: "{{ item }}"
        tasks_from: preflight
      loop: "{{ __site_roles }}"
- name: Work
  hosts: all
  gather_facts: false
  vars: *roles
  tasks:
    - name: Apply each
      ansible.builtin.include_role:
        name: "{{ item }}"
      loop: "{{ __site_roles }}"
"""
_ONE = """
- name: Show a secret
  ansible.builtin.command: {argv: [echo, hunter2]}
  no_log: true
"""
_TWO = """
- name: Fail for one
  ansible.builtin.command: {argv: [sh, -c, "echo {{ item }} >&2; exit 3"]}
  loop: [broken]
"""


def test_it_tells_steps_results_and_reasons_but_no_secrets(tmp_path: Path) -> None:
    for role, tasks in {"one": _ONE, "two": _TWO}.items():
        folder = tmp_path / "roles" / role / "tasks"
        folder.mkdir(parents=True)
        (folder / "main.yml").write_text(tasks)
        (folder / "preflight.yml").write_text("- name: See\n  ansible.builtin.meta: noop\n")
    (tmp_path / "site.yml").write_text(_PLAYBOOK)
    events = follow(tmp_path)
    steps = [(event["number"], event["total"], event["name"]) for event in events if event["event"] == "step"]
    assert steps == [(1, 3, "Look"), (2, 3, "one"), (3, 3, "two")]
    tasks = {event["name"]: event for event in events if event["event"] == "task"}
    assert tasks["Show a secret"]["outcome"] == "changed"
    assert "hunter2" not in json.dumps(events)
    assert (tasks["Fail for one"]["role"], tasks["Fail for one"]["outcome"]) == ("two", "failed")
    assert "broken" in tasks["Fail for one"]["message"]


def follow(folder: Path) -> List[Dict[str, Any]]:
    said = run(
        "ansible-playbook",
        *HERE,
        str(folder / "site.yml"),
        check=False,
        ANSIBLE_COLLECTIONS_PATH=str(in_place(folder / "collections")),
        ANSIBLE_STDOUT_CALLBACK="switchroom.pbx.first_boot",
    )
    return [json.loads(line) for line in said.splitlines()]
