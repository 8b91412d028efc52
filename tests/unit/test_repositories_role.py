"""The role repositories, its check of keys run by Ansible on this machine: also while a key is replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Iterator

import pytest
import yaml

from support.collection import HERE, ROOT, run
from support.openpgp import Home

CHECK = ROOT / "roles/repositories/tasks/key.yml"


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[str, str, Path]]:
    home = Home(tmp_path / "gpg")
    home.folder.mkdir(mode=0o700)
    old, new = home.make("old", "ed25519"), home.make("new", "ed25519")
    keys = tmp_path / "keys.asc"
    keys.write_bytes(home.public(old, new))
    yield old, new, keys
    home.stop()


def _checked(keys: Path, fingerprint: str) -> str:
    tasks = [{"ansible.builtin.include_tasks": str(CHECK)}]
    book = keys.with_name("play.yml")
    book.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    given = {"repositories_key": str(keys), "repositories_key_fingerprint": fingerprint}
    return run("ansible-playbook", *HERE, "-e", json.dumps(given), str(book), check=False)


def test_the_two_keys_of_a_replacement_are_trusted_when_both_fingerprints_are_given(
    both: tuple[str, str, Path],
) -> None:
    old, new, keys = both
    assert "failed=0" in _checked(keys, f"{new},{old}")


def test_a_second_key_that_nobody_named_is_refused_by_its_fingerprint(both: tuple[str, str, Path]) -> None:
    old, new, keys = both
    said = _checked(keys, old)
    assert "failed=1" in said
    assert f"{old} and {new}" in said
