"""The collection on the releases of ansible-core that boxes carry: every role and plugin is understood."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.rpms.ansible import RELEASES, ansible_code
from support import collection

pytestmark = pytest.mark.lab("rpmbuild")

_KINDS = {"modules": "module", "lookup": "lookup", "callback": "callback"}


@pytest.fixture(scope="module", params=sorted(RELEASES))
def release(request: pytest.FixtureRequest) -> str:
    """A dress whose ansible-core is used."""
    return str(request.param)


def ansible(release: str, collections: Path, program: str, *words: str) -> str:
    """Run one of a release's programs and return what it printed."""
    settings = {"PYTHONPATH": str(ansible_code(release)), "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", f"ansible.cli.{program}", *words],
        env={**os.environ, **settings, "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_the_release_that_boxes_have(release: str, tmp_path: Path) -> None:
    assert f"core {RELEASES[release]}]" in ansible(release, tmp_path, "playbook", "--version")


def test_every_role_and_playbook_is_understood(release: str, tmp_path: Path) -> None:
    collections = collection.in_place(tmp_path / "collections")
    roles = sorted(path.parents[1].name for path in collection.ROOT.glob("roles/*/tasks/main.yml"))
    tasks = [{"ansible.builtin.import_role": {"name": f"switchroom.pbx.{role}"}} for role in roles]
    play = tmp_path / "roles.yml"
    play.write_text(json.dumps([{"hosts": "all", "tasks": tasks}]))
    playbooks = sorted(str(path) for path in collection.ROOT.glob("playbooks/*.yml"))
    ansible(release, collections, "playbook", "--syntax-check", "-i", "box,", str(play), *playbooks)


def test_every_plugin_is_understood(release: str, tmp_path: Path) -> None:
    collections = collection.in_place(tmp_path / "collections")
    for folder, kind in _KINDS.items():
        names = sorted(path.stem for path in collection.ROOT.glob(f"plugins/{folder}/*.py"))
        full = [f"switchroom.pbx.{name}" for name in names]
        told = json.loads(ansible(release, collections, "doc", "--json", "--type", kind, *full))
        assert set(told) == set(full)
