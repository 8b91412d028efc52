"""The modules for FreePBX, run by Ansible; ``fwconsole`` is a fake whose exit code says nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from support import setpriv
from support.collection import collections, module, run

__all__ = ["collections"]  # a fixture

# Settings are [type, value, whether a change is taken]; modules [status, status after an action].
_FAKE = """\
#!{python}
import json, os, pathlib, sys
file = pathlib.Path({file!r})
state, words = json.loads(file.read_text()), sys.argv[1:]
state["calls"].append(" ".join(words))
state["users"].append(os.environ.get("TEST_RUNS_AS", "root"))
state["secrets"] += [name for name in os.environ if name == "TEST_SECRET"]
if words[0] == "setting":
    held = state["settings"].get(words[1])
    if held is None:
        print(f"The setting {{words[1]}} was not found!")
    elif len(words) == 2:
        shown = {{"1": "true", "0": "false"}}.get(held[1], held[1]) if held[0] == "bool" else held[1]
        print("PHP Notice: something")
        print(f'Setting of "{{words[1]}}" is ({{held[0]}})[{{shown}}]')
    else:
        print(f'Changing "{{words[1]}}" from [{{held[1]}}] to [{{words[2]}}]')
        held[1] = words[2] if held[2] else held[1]
elif words[1] == "list":
    rows = [[name, "1.0", status, "GPL", ""] for name, (status, _) in state["modules"].items()]
    for data in ("No repos specified", "", rows):
        print(json.dumps({{"status": True, "type": "message", "data": data}}))
else:
    held = state["modules"].setdefault(words[2], ["", state["online"].get(words[2], "")])
    held[0] = held[1]
file.write_text(json.dumps(state))
sys.exit(state["code"])
"""
Ask = Callable[..., Dict[str, Any]]


class Console:
    """The fake ``fwconsole`` and what it knows."""

    def __init__(self, folder: Path) -> None:
        self.path, self._file = folder / "bin", folder / "state.json"
        self.path.mkdir()
        program = self.path / "fwconsole"
        program.write_text(_FAKE.format(python=sys.executable, file=str(self._file)))
        program.chmod(0o755)
        setpriv.install(self.path)
        self.knows()

    def knows(self, **state: Any) -> None:
        empty: Dict[str, Any] = {"settings": {}, "modules": {}, "online": {}, "calls": [], "code": 0}
        empty.update(users=[], secrets=[])
        self._file.write_text(json.dumps({**empty, **state}))

    @property
    def state(self) -> Dict[str, Any]:
        state: Dict[str, Any] = json.loads(self._file.read_text())
        return state

    @property
    def changes(self) -> List[str]:
        """The calls that were no question."""
        return [one for one in self.state["calls"] if len(one.split()) == 3 and "list" not in one]


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return Console(tmp_path)


@pytest.fixture
def ask(collections: Path, console: Console) -> Ask:
    def run_module(name: str, *words: str, **arguments: Any) -> Dict[str, Any]:
        return module(collections, name, arguments, *words, path=console.path)

    return run_module


def test_only_settings_that_differ_are_changed(ask: Ask, console: Console) -> None:
    console.knows(
        settings={"FAST": ["bool", "0", True], "AGE": ["int", "50", True], "ON": ["bool", "1", True]}
    )
    said = ask("freepbx_setting", settings={"FAST": True, "AGE": 300, "ON": "true"})
    assert said["changed"]
    assert (said["before"], said["after"]) == ({"FAST": "0", "AGE": "50"}, {"FAST": "1", "AGE": "300"})
    assert console.changes == ["setting FAST 1", "setting AGE 300"]
    assert not ask("freepbx_setting", settings={"FAST": True, "AGE": 300})["changed"]


def test_what_asterisk_owns_never_runs_as_root_nor_sees_root_s_environment(
    ask: Ask, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SECRET", "s3cret")
    console.knows(settings={"FAST": ["bool", "0", True]}, modules={"pm2": ["Disabled", "Enabled"]})
    assert ask("freepbx_setting", settings={"FAST": True})["changed"]
    assert ask("freepbx_module", names=["pm2"])["changed"]
    assert set(console.state["users"]) == {"asterisk"}
    assert console.state["secrets"] == []


def test_check_mode_tells_the_change_and_changes_nothing(ask: Ask, console: Console) -> None:
    console.knows(settings={"PATH": ["text", "a [b] c", True]})
    said = ask("freepbx_setting", "--check", "--diff", settings={"PATH": "new"})
    assert (said["changed"], said["before"]) == (True, {"PATH": "a [b] c"})
    assert "-PATH = a [b] c\n+PATH = new\n" in said["printed"]
    assert console.changes == []


def test_a_setting_that_is_unknown_or_does_not_stay_fails_although_the_exit_code_is_0(
    ask: Ask, console: Console
) -> None:
    console.knows(settings={"STUBBORN": ["bool", "1", False]})
    said = ask("freepbx_setting", settings={"STUBBORN": False})
    assert said["failed"]
    assert "'STUBBORN' is 'true' and not '0'" in said["msg"]
    said = ask("freepbx_setting", settings={"NOSUCH": "1"})
    assert said["failed"]
    assert "no setting 'NOSUCH'" in said["msg"]


def test_an_open_failure_and_a_box_without_freepbx_are_told(ask: Ask, console: Console) -> None:
    console.knows(code=1)
    said = ask("freepbx_setting", settings={"ANY": "1"})
    assert (said["failed"], said["rc"]) == (True, 1)
    (console.path / "fwconsole").unlink()
    assert "has no 'fwconsole'" in ask("freepbx_module", names=["pm2"])["msg"]


def test_modules_are_installed_enabled_or_downloaded_as_they_need(ask: Ask, console: Console) -> None:
    known = {
        "core": ["Enabled", ""],
        "pm2": ["Not Installed (Locally available)", "Enabled"],
        "music": ["Disabled", "Enabled"],
        "cdr": ["Disabled; Pending upgrade to 2.0", "Enabled"],
    }
    console.knows(modules=known, online={"api": "Enabled"})
    names = ["core", "pm2", "music", "cdr", "api"]
    wanted = {"pm2": "install", "music": "enable", "cdr": "install", "api": "downloadinstall"}
    assert ask("freepbx_module", "--check", names=names)["actions"] == wanted
    assert console.changes == []
    assert ask("freepbx_module", names=names)["actions"] == wanted
    assert console.changes == [f"ma {verb} {name}" for name, verb in wanted.items()]
    assert not ask("freepbx_module", names=names)["changed"]


def test_a_module_that_was_not_installed_fails_although_the_exit_code_is_0(
    ask: Ask, console: Console
) -> None:
    console.knows(modules={"core": ["Enabled", ""]})
    said = ask("freepbx_module", names=["nosuchmodule"])
    assert said["failed"]
    assert "'nosuchmodule' is '' after 'fwconsole ma downloadinstall'" in said["msg"]


def test_a_list_without_modules_is_no_list(ask: Ask, console: Console) -> None:
    assert "named no module" in ask("freepbx_module", names=["pm2"])["msg"]


@pytest.mark.parametrize("name", ["freepbx_setting", "freepbx_module"])
def test_each_module_is_documented(collections: Path, name: str) -> None:
    words = ("--json", "--type", "module", f"switchroom.pbx.{name}")
    (told,) = json.loads(run("ansible-doc", *words, ANSIBLE_COLLECTIONS_PATH=str(collections))).values()
    assert told["doc"]["short_description"]
    assert told["examples"].strip()
    assert told["return"]
