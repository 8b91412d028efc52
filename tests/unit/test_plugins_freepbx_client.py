"""The module that has one client of FreePBX's API; ``php`` is a stand-in that is asked in its place."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from support import setpriv
from support.collection import collections, module

__all__ = ["collections"]  # a fixture

# Answers as asterisk's program would; a test says how.
_PHP = """\
#!{python}
import base64, json, os, pathlib, re, sys
folder, program = pathlib.Path({folder!r}), sys.stdin.read()
asked = json.loads(base64.b64decode(re.search("base64_decode.'([^']*)'", program)[1]))
(folder / "asked.json").write_text(json.dumps([asked, sys.argv, os.environ.get("TEST_RUNS_AS"), program]))
print("PHP Notice: something")
print((folder / "answer").read_text())
"""
NEW = {"changed": True, "client_id": "c1", "client_secret": "s3cret"}
Ask = Callable[..., Dict[str, Any]]


@pytest.fixture
def ask(collections: Path, tmp_path: Path) -> Ask:
    programs = tmp_path / "bin"
    programs.mkdir()
    setpriv.install(programs)
    (programs / "php").write_text(_PHP.format(python=sys.executable, folder=str(tmp_path)))
    (programs / "php").chmod(0o755)

    def run_module(answer: object, *words: str) -> Dict[str, Any]:
        (tmp_path / "answer").write_text(answer if isinstance(answer, str) else json.dumps(answer))
        given = {"path": str(tmp_path / "kept.json"), "scopes": ["gql", "rest"], "program": "<?php // asks"}
        return module(collections, "freepbx_client", given, *words, path=programs)

    return run_module


def test_freepbx_is_asked_as_asterisk_and_root_keeps_the_secret(ask: Ask, tmp_path: Path) -> None:
    said = ask(NEW)
    assert (said["changed"], said["client_id"]) == (True, "c1")
    kept = tmp_path / "kept.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text())["client_secret"] == "s3cret"
    asked, argv, user, program = json.loads((tmp_path / "asked.json").read_text())
    assert user == "asterisk"
    assert (asked["id"], asked["scopes"], asked["look"]) == (None, "gql rest", False)
    assert program.endswith("?><?php // asks\n")
    assert not ask({"changed": False})["changed"]
    asked, argv, _, _ = json.loads((tmp_path / "asked.json").read_text())
    assert (asked["id"], asked["secret"]) == ("c1", "s3cret")
    assert "s3cret" not in str(argv)


def test_no_secret_is_printed_and_check_mode_changes_nothing(ask: Ask, tmp_path: Path) -> None:
    said = ask({"changed": True}, "--check", "--diff")
    assert (said["changed"], said["client_id"]) == (True, "")
    assert not (tmp_path / "kept.json").exists()
    assert json.loads((tmp_path / "asked.json").read_text())[0]["look"] is True
    assert "s3cret" not in ask(NEW, "--diff")["printed"]


@pytest.mark.parametrize(
    "answer",
    [
        "no JSON",
        {"changed": "yes"},
        {"changed": True},
        {**NEW, "client_secret": "two\nlines"},
        {**NEW, "client_id": "x" * 10_000},
        {**NEW, "client_secret": {"a": 1}},
    ],
)
def test_what_asterisk_answers_is_judged(ask: Ask, tmp_path: Path, answer: object) -> None:
    said = ask(answer)
    assert said["failed"]
    assert "FreePBX" in said["msg"]
    assert not (tmp_path / "kept.json").exists()


def test_a_file_that_is_no_client_is_one_that_was_lost(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_text("[]")
    assert ask(NEW)["changed"]
