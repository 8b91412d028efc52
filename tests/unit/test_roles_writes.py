"""Roles open as root nothing below a folder that asterisk can change: a link there leads anywhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
import yaml

from support.collection import ROOT

# What asterisk owns on a box with all roles; the phones' folders may be given to asterisk.
THEIRS = (
    *("/etc/asterisk", "/run/asterisk", "/var/run/asterisk", "/var/lib/asterisk", "/var/log/asterisk"),
    *("/var/spool/asterisk", "/var/www/html", "/var/www/provisioning", "/var/lib/tftpboot"),
    "/var/lib/php/asterisk",
)
# Modules that write or read a file, and the arguments that say where.
FILES = {
    **dict.fromkeys(("blockinfile", "file", "lineinfile", "slurp"), ("path", "dest", "src")),
    **dict.fromkeys(("copy", "get_url", "template", "unarchive"), ("dest",)),
}
COMMANDS = ("command", "raw", "script", "shell")
# Modules that open no file which a task names, or see to it themselves (box_files: test_plugins_files.py).
OTHERS = {
    *("assert", "debug", "dnf", "fail", "find", "hostname", "import_role", "import_tasks", "include_role"),
    *("include_tasks", "include_vars", "meta", "pause", "service", "set_fact", "stat", "systemd", "uri"),
    *("yum_repository", "asterisk_version", "box_files", "box_info", "dnf_stream", "freepbx_client"),
    *("freepbx_module", "freepbx_setting", "pbx_facts", "pbx_health"),
}
# Known on a box only: a line in cron's folders, which are root's; what is in the web root, whose removal
# follows no link.
FOUND = {"Remove it where others wrote it", "Remove what it left"}
# The first looks at every folder on the way; the other's is /etc/switchroom.
MODULES_THAT_WRITE = {"box_files", "freepbx_client"}
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if (path / "tasks").is_dir())
Task = Dict[str, Any]


def tasks(role: str) -> Iterator[Task]:
    """Yield every task and handler of a role, those of blocks too."""
    for folder in ("tasks", "handlers"):
        for path in sorted((ROOT / "roles" / role / folder).glob("*.yml")):
            yield from flat(yaml.safe_load(path.read_text()))


def flat(entries: List[Task]) -> Iterator[Task]:
    for entry in entries:
        parts = [part for name in ("block", "rescue", "always") for part in entry.get(name, [])]
        yield from flat(parts) if parts else [entry]


def filled(role: str, text: str) -> str:
    """Return a text with the role's own variables filled in."""
    known: Dict[str, Any] = {}
    for name in ("defaults/main", "vars/main", "vars/el9"):
        path = ROOT / "roles" / role / f"{name}.yml"
        known.update((yaml.safe_load(path.read_text()) or {}) if path.exists() else {})
    for _ in range(3):  # deep
        text = re.sub(r"\{\{ *(\w+) *\}\}", lambda found: str(known.get(found[1], found[0])), text)
        text = re.sub(r"\b__\w+", lambda found: str(known.get(found[0], found[0])), text)
    return text


def runs(role: str) -> Iterator[Tuple[Task, str, Dict[str, Any]]]:
    """Yield each task that root runs, the last part of its module's name, and the module's arguments."""
    for task in tasks(role):
        (name,) = [one for one in task if one.count(".") == 2]
        if task.get("become_user") != "asterisk" and "switchroom.pbx.as_asterisk" not in str(task):
            yield task, name.rpartition(".")[2], task[name] or {}


def theirs(text: str) -> List[str]:
    return [folder for folder in THEIRS if re.search(rf"(?<![\w/.-]){folder}/", text)]


@pytest.mark.parametrize("role", ROLES)
def test_root_opens_nothing_below_asterisk_s_folders(role: str) -> None:
    for task, module, arguments in runs(role):
        assert module in {*FILES, *COMMANDS, *OTHERS}, f"Say what the module {module} opens."
        loop = filled(role, str(task.get("loop", "")))
        if module in COMMANDS:
            assert theirs(filled(role, f"{arguments} {task.get('vars')}") + loop) == [], task["name"]
        for place in (filled(role, arguments[key]) for key in FILES.get(module, ()) if key in arguments):
            assert theirs(place + loop) == [], task["name"]
            unknown = re.sub(r"\{\{ *item[.\w]* *\}\}", loop, place)
            assert "{{" not in unknown or task["name"] in FOUND, f"{task['name']}: where is {place}?"


@pytest.mark.parametrize("role", ROLES)
def test_root_runs_none_of_asterisk_s_programs(role: str) -> None:
    for task, module, arguments in runs(role):
        words = arguments.get("argv", arguments.get("cmd", "")) if module in COMMANDS else ""
        first = words[0] if isinstance(words, list) else re.sub(r"^\W*", "", words)
        program = Path(re.split(r"[' ]", first)[0]).name
        assert program not in ("asterisk", "fwconsole"), task["name"]


def test_units_of_roles_run_asterisk_s_programs_as_asterisk() -> None:
    for path in (ROOT / "roles").glob("*/templates/*.service.j2"):
        text = path.read_text()
        if re.search(r"^Exec\w+=.*(fwconsole|/usr/sbin/asterisk|/var/lib/asterisk)", text, re.MULTILINE):
            assert re.search(r"^User=asterisk$", text, re.MULTILINE), path


def test_no_other_module_writes() -> None:
    writing = (
        r"open\([^)]*\"[wax]b?\"|write_(text|bytes)|os\.(open|rename|replace|chown|chmod)|shutil|atomic_move"
    )
    found = {path.stem for path in (ROOT / "plugins").glob("*/*.py") if re.search(writing, path.read_text())}
    assert found == MODULES_THAT_WRITE
