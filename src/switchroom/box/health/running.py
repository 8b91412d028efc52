"""Whether the right Asterisk runs, owned by its unit, and has booted."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Dict, Optional

from switchroom.box import engines
from switchroom.box.console import Console
from switchroom.box.health.report import Verdict
from switchroom.box.paths import Paths
from switchroom.core import process

_UNIT = "asterisk.service"
_UNIT_SECONDS = 5.0
BOOT_SECONDS = 5.0  # a booted Asterisk answers in milliseconds; one that boots is asked again
_VERSION = re.compile(r"^Asterisk (\S+)", re.MULTILINE)
_DOMAIN, _LOADER = "asterisk_t", "/usr/libexec/switchroom/load-selinux"
_DELETED = " (deleted)"  # how /proc marks a program whose file was replaced, as a reinstallation does


def check_process(paths: Paths, expect: Optional[engines.Engine]) -> Verdict:
    """Judge the unit and the program of its main process, which is ``expect``'s or the selected engine's."""
    unit = _unit()
    state, pid = unit.get("ActiveState", "unknown"), unit.get("MainPID", "0")
    if state != "active" or pid == "0":
        return Verdict(
            False, f"{_UNIT} is {state} ({unit.get('SubState', '')}, result {unit.get('Result', '')})"
        )
    engine = expect or engines.active(paths)
    if engine is None:
        return Verdict(False, f"the selector '{paths.selector}' leads to no engine")
    program = os.readlink(f"/proc/{pid}/exe")
    if not _within(program, engine):
        return Verdict(False, f"pid {pid} runs '{program}', not engine {engine.name}")
    return Verdict(True, f"{_UNIT} active, pid {pid} runs engine {engine.name}")


def has_selinux(paths: Paths) -> bool:
    """Return whether the box's kernel has SELinux switched on."""
    return paths.from_box("/sys/fs/selinux/enforce").exists()


def check_confined(paths: Paths) -> Verdict:
    """Judge whether Asterisk runs in the domain that SELinux's policy has for it."""
    label = paths.from_box(f"/proc/{_unit().get('MainPID', '0')}/attr/current").read_text().rstrip("\0\n")
    domain = label.split(":")[2] if label.count(":") > 1 else label
    if domain == _DOMAIN:
        return Verdict(True, f"Asterisk runs as {domain}")
    why = f"not confined: Asterisk runs as {domain}; '{_LOADER}' loads its policy or says why not"
    return Verdict(False, f"{why}, and the next start of Asterisk takes it in")


def check_booted(console: Console) -> Verdict:
    """Judge whether Asterisk says it has fully booted."""
    answer = console.ask("core waitfullybooted", timeout=BOOT_SECONDS)
    if "fully booted" not in answer:
        return Verdict(False, f"Asterisk says '{answer}'")
    return Verdict(True, f"Asterisk {version(console)} has fully booted")


def version(console: Console) -> str:
    """Return the version that ``core show version`` tells, or an empty text."""
    found = _VERSION.search(console.ask("core show version", timeout=BOOT_SECONDS))
    return found[1] if found else ""


def _within(program: str, engine: engines.Engine) -> bool:
    name = program[: -len(_DELETED)] if program.endswith(_DELETED) else program
    return engine.prefix in Path(name).parents


def _unit() -> Dict[str, str]:
    wanted = "--property=ActiveState,SubState,MainPID,Result"
    shown = process.run(["systemctl", "show", _UNIT, wanted], timeout=_UNIT_SECONDS).stdout.decode()
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
