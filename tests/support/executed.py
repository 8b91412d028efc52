"""The paths of what this project's units have systemd and cron run, and of the programs it puts on a box."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple

import jinja2
import yaml
from jinja2.nativetypes import NativeEnvironment

from support.el_facts import ROLES, ROOT
from support.specs import OTHERS, rpmspec, scriptlet

PLACES = ("rpmspecs", "kickstart", "roles", "src", "playbooks", "plugins")
_EXEC = re.compile(r"^\s*Exec[A-Z][A-Za-z]*=[-@:+!]*(?P<line>.+)$", re.MULTILINE)
_CRON = re.compile(r"^\s*(?:@\w+|(?:[\d*/,-]+\s+){5})\s*(?:root|asterisk)\s+(?P<line>/\S+.*)$", re.MULTILINE)
_POSTROTATE = re.compile(r"^\s*(?:pre|post)rotate\n\s*(?P<line>/.+)$", re.MULTILINE)
_MADE = re.compile(r"-m 0755 (?:\S+ )?\S+ (?P<path>\S+)$|^\s*chmod 0?755 (?P<chmod>\S+)$", re.MULTILINE)
_TESTED = re.compile(r"['\"](?P<tool>/[^'\"\s]+)")


class Run(NamedTuple):
    """A path that is run on a box of a major, and the file that says so."""

    source: str
    path: str


def _texts() -> Iterator[tuple[Path, str]]:
    for place in PLACES:
        for path in sorted((ROOT / place).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                try:
                    yield path, path.read_text()
                except UnicodeDecodeError:
                    continue


@functools.lru_cache
def _values(role: str, major: str) -> Dict[str, Any]:
    """Return a role's variables on a major, templates among them filled in as far as this can."""
    files = [
        ROOT / f"roles/{role}/{name}"
        for name in ("defaults/main.yml", "vars/main.yml", f"vars/el{major}.yml")
    ]
    found: Dict[str, Any] = {}
    for file in files:
        found.update((yaml.safe_load(file.read_text()) or {}) if file.exists() else {})
    for _ in range(3):
        found = {key: _fill(value, found) for key, value in found.items()}
    return found


def _fill(value: Any, variables: Dict[str, Any]) -> Any:
    if not isinstance(value, str) or "{{" not in value:
        return value
    environment = NativeEnvironment(undefined=jinja2.ChainableUndefined)
    environment.filters["regex_replace"] = lambda text, old, new: re.sub(old, new, str(text))
    try:
        return environment.from_string(value).render(variables)
    except (jinja2.TemplateError, TypeError):
        return value


def filled(path: Path, major: str) -> str:
    """Return a unit's text, a template filled in with its role's own values."""
    parts = path.relative_to(ROOT).parts
    if path.suffix != ".j2":
        return path.read_text()
    text = _fill(path.read_text(), _values(parts[1], major))
    return str(text)


def started(major: str) -> List[Run]:
    """Return every path that a unit, a cron table or logrotate runs, a shell's own first program too."""
    runs = set()
    for path, text in _texts():
        role = path.relative_to(ROOT).parts[1] if "roles" in path.relative_to(ROOT).parts[:1] else ""
        values = _values(role, major) if role in ROLES else {}
        for pattern in (_EXEC, _CRON, _POSTROTATE):
            for found in pattern.finditer(text):
                line = str(_fill(found["line"], values))
                tools = [line.split(maxsplit=1)[0], *(match["tool"] for match in _TESTED.finditer(line))]
                runs.update(Run(str(path.relative_to(ROOT)), tool) for tool in tools)
    return sorted(runs)


def installed(major: str) -> List[Run]:
    """Return every program that a package, a role or a kickstart puts on a box."""
    return sorted({*_packaged(major), *_brought(major), *_written()})


def _packaged(major: str) -> Iterator[Run]:
    for spec, defines in OTHERS.items():
        text = scriptlet(rpmspec(spec, {**defines, "rhel": major}, "-P"), "install")
        for found in _MADE.finditer(text):
            path = found["path"] or found["chmod"]
            below = re.sub(r"^.*?(?=/(?:etc|usr|var)/)", "", path)
            # The names of a loop: any will do for its label.
            yield Run(f"rpmspecs/{spec}.spec", re.sub(r"\$\{.*\}", "pbx-upgrade", below))


def _brought(major: str) -> Iterator[Run]:
    for role in ROLES:
        for file in (ROOT / f"roles/{role}/tasks").glob("*.yml"):
            for entry in _dictionaries(yaml.safe_load(file.read_text())):
                mode, path = str(entry.get("mode", "")), entry.get("path") or entry.get("dest")
                if path and re.fullmatch(r"0?[157][0-7]{2}", mode) and entry.get("state", "file") == "file":
                    yield Run(str(file.relative_to(ROOT)), str(_fill(path, _values(role, major))))


def _dictionaries(value: Any) -> Iterator[Dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _dictionaries(part)


def _written() -> Iterator[Run]:
    for path in sorted((ROOT / "kickstart").rglob("*")):
        if path.suffix in (".j2", ".sh"):
            for found in re.finditer(
                r"^\s*chmod (?:0?7\d\d|\S*\+x) (?P<path>/\S+)", path.read_text(), re.MULTILINE
            ):
                yield Run(str(path.relative_to(ROOT)), found["path"])
