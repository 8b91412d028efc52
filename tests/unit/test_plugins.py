"""The collection's modules and lookup, run by Ansible from the built artefact; the box tool is a fake."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Set

import pytest
import yaml

from support.collection import HERE, PLACE, ROOT, collections, module, run
from support.frozen import FROZEN

__all__ = ["collections"]  # a fixture

# Each command's answers in their order; the last one is given again and again.
_TOOL = """\
#!{python}
import json, pathlib, sys
folder = pathlib.Path({folder!r})
with (folder / "calls").open("a") as stream:
    stream.write(" ".join(sys.argv[1:]) + "\\n")
answers = json.loads((folder / "answers.json").read_text())
mine = answers[sys.argv[1]]
code, text = mine.pop(0) if len(mine) > 1 else mine[0]
(folder / "answers.json").write_text(json.dumps(answers))
sys.stdout.write(text)
sys.exit(code)
"""
OLD, NEW = "22.10.1-1", "22.11.0-1"
STATUS = {
    "active": OLD,
    "installed": [OLD],
    "previous": None,
    "running": OLD,
    "transaction": None,
    "last": None,
    "exit_code": 0,
}
STEPS = '{"event": "step", "step": "drain"}\n{"event": "step", "step": "flip"}\n'
ENDED = {"event": "result", "id": "T1", "target": "22.11.0", "source": "22.10.1", "cause": "", "hint": ""}
KEPT = {**ENDED, "outcome": "kept", "running": "22.11.0", "reason": "", "exit_code": 0}
BACK = {
    **ENDED,
    "outcome": "rolled-back",
    "running": "22.10.1",
    "reason": "Asterisk 22.11.0 was not healthy within 60 s: sip.",
    "cause": "sip: no answer on udp 5060",
    "exit_code": 1,
}
FINDING = {"key": "health", "severity": "blocking", "message": "No SIP.", "hint": "Look.", "waivable": True}
Ask = Callable[..., Dict[str, Any]]


class Tool:
    """The fake program ``switchroom``."""

    def __init__(self, folder: Path) -> None:
        self.path, self._folder = folder / "bin", folder
        self.path.mkdir()

    def answers(self, **answers: Any) -> None:
        """Put it on the path; each command answers with (exit code, document or text) in turn."""
        spoken = {
            word: [(code, said if isinstance(said, str) else json.dumps(said)) for code, said in turns]
            for word, turns in answers.items()
        }
        (self._folder / "answers.json").write_text(json.dumps(spoken))
        program = self.path / "switchroom"
        program.write_text(_TOOL.format(python=sys.executable, folder=str(self._folder)))
        program.chmod(0o755)

    @property
    def calls(self) -> List[str]:
        """The command lines it was called with."""
        return (self._folder / "calls").read_text().splitlines()


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(tmp_path)


@pytest.fixture
def ask(collections: Path, tool: Tool) -> Ask:
    """Run a module with the fake tool on the path."""

    def run_module(name: str, *words: str, **arguments: Any) -> Dict[str, Any]:
        return module(collections, name, arguments, *words, path=tool.path)

    return run_module


def test_a_switch_that_was_kept_is_a_change_with_both_engines(ask: Ask, tool: Tool) -> None:
    tool.answers(status=[(0, STATUS), (0, {**STATUS, "active": NEW})], switch=[(0, STEPS + json.dumps(KEPT))])
    options = {"drain_timeout": 30, "acknowledge": ["a", "b"], "channel": "testing"}
    result = ask("asterisk_version", "--diff", version="22.11.0", **options)
    assert (result["changed"], result["before"], result["after"]) == (True, OLD, NEW)
    assert f"\n-{OLD}\n+{NEW}\n" in result["printed"]
    assert result["outcome"]["outcome"] == "kept"
    manners = "--channel testing --drain-timeout 30.0 --acknowledge a --acknowledge b"
    assert f"switch 22.11.0 --yes {manners} --json" in tool.calls


def test_a_switch_that_rolled_back_fails_with_the_reason(ask: Ask, tool: Tool) -> None:
    tool.answers(status=[(0, STATUS)], switch=[(1, STEPS + json.dumps(BACK))])
    result = ask("asterisk_version", version="22.11.0", now=True)
    assert (result["failed"], result["changed"], result["rc"]) == (True, False, 1)
    assert "ended as 'rolled-back', Asterisk 22.10.1 runs: Asterisk 22.11.0 was not healthy" in result["msg"]
    assert "no answer on udp 5060" in result["msg"]
    assert "--now" in tool.calls[1]


def test_the_version_that_runs_already_is_no_change(ask: Ask, tool: Tool) -> None:
    nothing = {"event": "result", "outcome": "nothing to do", "target": OLD, "exit_code": 0}
    tool.answers(status=[(0, STATUS)], switch=[(0, json.dumps(nothing, indent=2))])
    for words in ([], ["--check"]):
        assert ask("asterisk_version", *words, version="22")["changed"] is False


def test_check_mode_says_what_would_be_and_only_looks(ask: Ask, tool: Tool) -> None:
    plan = {"event": "dry-run", "source": OLD, "target": NEW, "findings": [], "exit_code": 0}
    tool.answers(status=[(0, STATUS)], switch=[(0, json.dumps(plan, indent=2))])
    result = ask("asterisk_version", "--check", "--diff", version="22.11.0")
    assert (result["changed"], result["after"], result["findings"]) == (True, NEW, [])
    assert [line for line in tool.calls if line.startswith("switch")] == [
        "switch 22.11.0 --yes --dry-run --json"
    ]


def test_check_mode_fails_where_the_switch_would_be_refused(ask: Ask, tool: Tool) -> None:
    accepted = {**FINDING, "key": "end-of-life:22", "message": "Old."}
    plan = {"event": "dry-run", "source": OLD, "target": NEW, "findings": [FINDING, accepted], "exit_code": 3}
    tool.answers(status=[(0, STATUS)], switch=[(3, plan)])
    result = ask("asterisk_version", "--check", version="22.11.0", acknowledge=["end-of-life:22"])
    assert result["failed"]
    assert "would be refused" in result["msg"]
    assert "health: No SIP. Look." in result["msg"]
    assert "Old." not in result["msg"]


def test_a_refusal_is_told_in_the_tools_words(ask: Ask, tool: Tool) -> None:
    error = {
        "event": "error",
        "error": "There is no '7'.",
        "cause": "why",
        "hint": "Have 22.",
        "exit_code": 2,
    }
    tool.answers(status=[(0, STATUS)], switch=[(2, error)])
    result = ask("asterisk_version", version="7")
    assert (result["failed"], result["msg"], result["rc"]) == (True, "There is no '7'.\nwhy\nHave 22.", 2)


def test_a_tool_that_prints_no_json_or_is_missing_fails(ask: Ask, tool: Tool) -> None:
    assert "no 'switchroom' command" in ask("pbx_health")["msg"]
    assert "no 'switchroom' command" in ask("asterisk_version", version="22")["msg"]
    tool.answers(health=[(1, "Traceback")])
    assert "gave no answer" in ask("pbx_health")["msg"]


def test_health_returns_the_checks_or_fails_naming_the_bad_ones(ask: Ask, tool: Tool) -> None:
    good = {"name": "ami", "ok": True, "required": True, "seconds": 0.1, "evidence": "Pong"}
    skipped = {"name": "trunks", "ok": False, "required": False, "seconds": 0.1, "evidence": "none"}
    bad = {"name": "sip", "ok": False, "required": True, "seconds": 1.0, "evidence": "no answer"}
    tool.answers(
        health=[(0, {"healthy": True, "checks": [good, skipped]}), (1, {"checks": [good, skipped, bad]})]
    )
    healthy = ask("pbx_health", "--check", wait=5, save_baseline="/b", baseline="/a")
    assert (healthy["healthy"], healthy["changed"], healthy["checks"]) == (True, False, [good, skipped])
    ill = ask("pbx_health", save_baseline="/b")
    assert (ill["failed"], ill["healthy"], ill["checks"][2]) == (True, False, bad)
    assert ill["msg"] == "The box is not healthy. sip: no answer"
    assert tool.calls == ["health --wait 5.0 --baseline /a --json", "health --save-baseline /b --json"]


def test_facts_are_the_status_also_of_a_box_in_need_and_of_one_without_the_tool(ask: Ask, tool: Tool) -> None:
    bare = ask("pbx_facts")["ansible_facts"]["pbx"]
    assert (bare["tool"], bare["active"], bare["installed"]) == (False, None, [])
    tool.answers(status=[(4, {**STATUS, "running": None, "exit_code": 4})])
    facts = ask("pbx_facts", "--check")["ansible_facts"]["pbx"]
    assert (facts["tool"], facts["active"], facts["running"]) == (True, OLD, None)


PLUGINS = sorted(
    f"{path.parent.name.removesuffix('s')}/{path.stem}"
    for path in (ROOT / "plugins").glob("*/*.py")
    if path.parent.name not in ("module_utils", "doc_fragments", "action")  # an action is its module's
)
MODULES = [plugin for plugin in PLUGINS if plugin.startswith("module/")]
# What the modules' documentation says that is not true of all of them.
NO_DIFFERENCES = {"module/box_info", "module/pbx_facts", "module/pbx_health"}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_each_plugin_is_documented(collections: Path, plugin: str) -> None:
    kind, _, name = plugin.partition("/")
    words = ("--json", "--type", kind, f"switchroom.pbx.{name}")
    said = json.loads(run("ansible-doc", *words, ANSIBLE_COLLECTIONS_PATH=str(collections)))
    (told,) = said.values()
    assert told["doc"]["short_description"]
    if kind != "callback":  # those are enabled, not written into playbooks
        assert told["examples"].strip()
        assert told["return"]
    if plugin in MODULES:
        support = {name: about["support"] for name, about in told["doc"]["attributes"].items()}
        shown = "none" if plugin in NO_DIFFERENCES else "full"
        assert {"check_mode": "full", "diff_mode": shown, "platform": "full"}.items() <= support.items()


PLAYBOOK = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - vars:
        asterisk_sounds: [asterisk-sounds-core-fr-g727]
      block: {preflight}
      rescue:
        - ansible.builtin.set_fact:
            refused: "{{{{ ansible_failed_result.msg }}}}"
    - ansible.builtin.copy:
        dest: {dest}
        content: >-
          {{{{ {{
            'sounds': lookup('switchroom.pbx.catalog', 'sounds', packages=['asterisk-moh-opsound-wav', 'x']),
            'refused': refused,
            'newest': lookup('switchroom.pbx.catalog', 'asterisk', day='2026-11-22'),
            'build': lookup('switchroom.pbx.catalog', 'asterisk', version='22.10.1-2'),
            'php': lookup('switchroom.pbx.catalog', 'runtime', kind='php', el='9', freepbx='17'),
            'fit': lookup('switchroom.pbx.catalog', 'fit', freepbx='17', asterisk='22', el='10'),
          }} | to_json }}}}
"""


def test_a_playbook_can_ask_the_catalog(collections: Path, tmp_path: Path) -> None:
    answer, playbook = tmp_path / "answer.json", tmp_path / "playbook.yml"
    tasks = yaml.safe_load((ROOT / "roles/asterisk/tasks/preflight.yml").read_text())
    (preflight,) = [task for task in tasks if task["name"].startswith("The sounds are")]
    playbook.write_text(PLAYBOOK.format(dest=answer, preflight=json.dumps([preflight])))
    run(
        "ansible-playbook",
        *HERE,
        str(playbook),
        ANSIBLE_COLLECTIONS_PATH=str(collections),
        SWITCHROOM_CATALOG=str(FROZEN),
    )
    said = json.loads(answer.read_text())
    assert (said["newest"]["series"], said["newest"]["package"]) == ("22", "asterisk22")
    assert said["build"]["package"] == "asterisk22.10.1_2"
    assert (said["php"]["form"], said["php"]["name"]) == ("module", "php:8.2")
    assert not said["fit"]["fits"]
    assert said["sounds"]["asterisk-moh-opsound-wav"]["format"] == "wav"
    assert said["refused"].startswith(
        "'asterisk_sounds': Upstream offers no prompts or music for a package 'asterisk-sounds-core-fr-g727'."
    )


def test_the_artefact_has_the_catalog_the_dnf_driver_and_nothing_else_of_the_tool(collections: Path) -> None:
    def held(folder: str) -> Set[str]:
        found = {path.name for path in (collections / PLACE / "src" / folder).iterdir()}
        return found - {"__pycache__"}

    assert held("switchroom") == {"__init__.py", "core", "catalog", "box"}
    assert held("switchroom/box") == {"__init__.py", "dnf_child"}
    assert "__main__.py" in held("switchroom/box/dnf_child")
    top = {path.name for path in (collections / PLACE).iterdir()}
    assert not top & {"tests", "molecule", "kickstart", "rpmspecs", "scripts", ".git", ".venv"}
