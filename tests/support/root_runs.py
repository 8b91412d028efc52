"""Every program that root runs on a box, and what is wrong with the path to it.

Run on the box itself, by the platform's Python (3.9): prints
``{"seen": {source: [path]}, "faults": [line]}``.
What says what is run (a unit, a table of cron, a script of logrotate) is root's too, and the interpreter that
a script names. Judged by the tool's own walk, component by component.
"""

from __future__ import annotations

import glob
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, DefaultDict, Dict, Iterable, Iterator, List, Set, Tuple

TOOL = "/usr/share/switchroom/python"
_WORD = re.compile(
    r"(?<![\w.$}~=:/-])/(?:etc|opt|root|srv|usr|var|bin|sbin|lib|lib64|run|tmp|home)/[\w.@+/-]*\w"
)
_UNIT_FILES = ("FragmentPath", "DropInPaths", "EnvironmentFiles")
# What systemd, cron, logrotate, dnf, rpm, the linker and a login of root read and obey.
OBEYED = {
    "logrotate": ("/etc/logrotate.conf", "/etc/logrotate.d/*"),
    "cron": (
        "/etc/crontab",
        "/etc/anacrontab",
        "/etc/cron.*/*",
        "/var/spool/cron/root",
        "/var/spool/cron/crontabs/root",
    ),
    "dnf": (
        "/etc/dnf/**",
        "/etc/yum.repos.d/*",
        "/usr/lib/python3*/site-packages/dnf-plugins/*",
        "/usr/lib*/rpm-plugins/*",
    ),
    "systemd": (
        "/etc/tmpfiles.d/*",
        "/usr/lib/tmpfiles.d/*",
        "/etc/systemd/**",
        "/usr/lib/systemd/system-generators/*",
    ),
    "login": (
        "/etc/profile",
        "/etc/profile.d/*",
        "/etc/sudoers",
        "/etc/sudoers.d/*",
        "/root/.bash*",
        "/root/.ssh/*",
    ),
    "linker": ("/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/ld.so.conf.d/*"),
    "PATH": ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"),
    "ours": (
        "/etc/switchroom/*",
        "/etc/switchroom/health.d/*",
        "/usr/bin/switchroom",
        "/usr/sbin/asterisk",
        "/usr/sbin/rasterisk",
        "/usr/sbin/safe_asterisk",
        "/usr/sbin/asterisk-version-switch",
        "/usr/sbin/pbx-upgrade",
        "/usr/libexec/switchroom/*",
        "/usr/local/libexec/switchroom/*",
        "/usr/lib64/switchroom/engines/*",
        "/usr/lib64/switchroom/engines/*/sbin/*",
        "/usr/lib64/switchroom/engines/*/lib/*",
        "/usr/lib64/switchroom/engines/*/modules/*",
        "/usr/share/switchroom/**",
        "/usr/share/ansible/collections/**",
        "/var/lib/switchroom",
        "/run/switchroom",
    ),
}
# Text in which any word that is a path may be run; the rest is judged as files.
_SPOKEN = ("logrotate", "cron")


def found() -> Dict[str, Set[str]]:
    """Return the paths by what names them."""
    paths: DefaultDict[str, Set[str]] = defaultdict(set)
    for source, patterns in OBEYED.items():
        for path in (one for pattern in patterns for one in glob.iglob(pattern, recursive=True)):
            paths[source].add(path)
            if source in _SPOKEN and os.path.isfile(path):
                paths[source].update(_named(path, _spoken(path)))
    for unit, path in units():
        paths[unit].add(path)
    for source in list(paths):
        paths[f"{source}, its scripts"].update(interpreters(paths[source]))
    return {source: names for source, names in paths.items() if names}


def units() -> Iterator[Tuple[str, str]]:
    """Yield what systemd obeys, and what it runs as root, unit by unit."""
    for shown in _shown(_unit_names()):
        unit = shown["Id"][0]
        for name in _UNIT_FILES:
            for text in shown.get(name, ()):
                yield from ((unit, path) for path in re.sub(r" \(.*?\)", "", text).split())
        for name, texts in shown.items():
            if name.startswith("Exec") and shown.get("User", [""])[0] in ("", "root", "0"):
                yield from ((unit, path) for text in texts for path in _named(unit, _command(text)))


def _unit_names() -> List[str]:
    listed = _said(
        "systemctl", "list-unit-files", "--type=service,socket,timer,path", "--no-legend", "--plain"
    )
    named = {line.split()[0] for line in listed.splitlines() if line.strip()}
    loaded = _said(
        "systemctl", "list-units", "--all", "--no-legend", "--plain", "--type=service,socket,timer,path"
    )
    named |= {line.split()[0] for line in loaded.splitlines() if line.strip()}
    return sorted(name for name in named if "@." not in name)


def _shown(names: Iterable[str]) -> Iterator[Dict[str, List[str]]]:
    wanted = "Id,User,ExecCondition,ExecStartPre,ExecStart,ExecStartPost,ExecReload,ExecStop,ExecStopPost"
    text = _said("systemctl", "show", f"--property={wanted},{','.join(_UNIT_FILES)}", *names)
    for block in text.split("\n\n"):
        shown: DefaultDict[str, List[str]] = defaultdict(list)
        for line in block.splitlines():
            name, _, value = line.partition("=")
            if value:
                shown[name].append(value)
        if shown.get("Id"):
            yield dict(shown)


def _command(text: str) -> str:
    match = re.search(r"path=(?P<path>\S+) ; argv\[\]=(?P<argv>.*?) ; ignore_errors", text)
    return f"{match['path']} {match['argv']}" if match else ""


def _spoken(path: str) -> str:
    """Return a file's text without its comments, and without what logrotate only rotates."""
    text = "\n".join(
        line
        for line in Path(path).read_text(errors="replace").splitlines()
        if not line.lstrip().startswith("#")
    )
    if "logrotate" not in path:
        return text
    return "\n".join(
        re.findall(r"^\s*(?:pre|post|first|last)\w+$(.*?)^\s*endscript", text, re.DOTALL | re.MULTILINE)
    )


def _named(_source: str, text: str) -> Iterator[str]:
    return (path for path in _WORD.findall(text) if os.path.isfile(path) and os.access(path, os.X_OK))


def interpreters(paths: Iterable[str]) -> Iterator[str]:
    """Yield the interpreters that scripts name in their first line."""
    for path in paths:
        if os.path.isfile(path):
            with open(path, "rb") as stream:
                first = stream.readline(200).decode(errors="replace")
            if first.startswith("#!"):
                yield first[2:].split()[0]


def faults(paths: Dict[str, Set[str]], walk: Any, untrusted: Any) -> List[str]:
    """Return what is wrong, a line each."""
    wrong = []
    for source, names in sorted(paths.items()):
        for name in sorted(names):
            if os.path.realpath(name) == os.devnull:  # a unit that is masked
                continue
            try:
                walk(Path(name))
            except untrusted as error:
                wrong.append(f"{source}: {name}: {error}")
            except FileNotFoundError:
                continue  # a link that leads nowhere runs nothing
    return wrong


def _said(*argv: str) -> str:
    return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    """Print what was found on this box."""
    sys.path.insert(0, TOOL)
    from switchroom.core import trusted  # noqa: PLC0415 - there is none before

    paths = found()
    wrong = faults(paths, trusted.walk, trusted.Untrusted)
    print(json.dumps({"seen": {source: sorted(names) for source, names in paths.items()}, "faults": wrong}))


if __name__ == "__main__":
    main()
