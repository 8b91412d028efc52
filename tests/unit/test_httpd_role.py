"""The role httpd, a task of it run by Ansible on this machine: what earlier releases left is taken away."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from support.collection import HERE, ROOT, run


def test_the_tools_of_earlier_releases_go_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    tasks = yaml.safe_load((ROOT / "roles/httpd/tasks/configure.yml").read_text())
    values = yaml.safe_load((ROOT / "roles/httpd/vars/main.yml").read_text())
    name = "Take away the tools of earlier releases"
    names = [task["name"] for task in tasks]
    # After the units that name the new ones are written: a power cut between leaves a timer something to run.
    assert names.index(name) > names.index(
        "Bring the tools, the folders for other roles' parts, and what renews the certificate"
    )
    assert values["__httpd_path_tools_before"] == "/usr/local/libexec/switchroom"

    old = tmp_path / "libexec/switchroom"
    old.mkdir(parents=True)
    (old / "self-signed").write_text("#!/bin/sh\n")
    (tmp_path / "libexec/of-a-site").touch()
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [tasks[names.index(name)]]}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play))
    given = ("-e", json.dumps({"__httpd_path_tools_before": str(old)}))
    assert "changed=1" in run("ansible-playbook", *HERE, *given, str(tmp_path / "play.yml"))
    assert [path.name for path in (tmp_path / "libexec").iterdir()] == ["of-a-site"]
    assert "changed=0" in run("ansible-playbook", *HERE, *given, str(tmp_path / "play.yml"))
