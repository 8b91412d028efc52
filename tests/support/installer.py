"""A folder that stands in for Anaconda's environment: the real scripts run in it, with other tools."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Dict, Sequence

import pytest
from pykickstart.constants import KS_SCRIPT_PRE

from support.kickstarts import scripts, settings
from switchroom.build.kickstart.render import DISK_INCLUDE, render
from switchroom.build.kickstart.settings import Mode

# One disk a line: NAME|SIZE|RM|RO|TRAN|MODEL|SERIAL|LABEL|FSTYPE|UUID. Answers what the scripts ask.
_LSBLK = r"""
while [ $# -gt 0 ]; do
  case $1 in
    --output) column=$2; shift ;;
    /dev/*) device=${1#/dev/} ;;
    --inverse) inverse=yes ;;
  esac
  shift
done
if [ -n "${inverse:-}" ]; then
  [ -n "${device:-}" ] || exit 1
  sed 's/\(nvme[0-9]*n[0-9]*\)p[0-9]*$/\1/; /nvme/!s/[0-9]*$//; s/$/ disk/' <<<"$device"
  exit
fi
while IFS='|' read -r name size rm ro tran model serial label fstype uuid; do
  [ "${device:-$name}" = "$name" ] || continue
  case $column in
    NAME,TYPE) echo "$name disk" ;;
    SIZE) echo "$size" ;; RM) echo "$rm" ;; RO) echo "$ro" ;; TRAN) echo "$tran" ;;
    MODEL) echo "$model" ;; SERIAL) echo "$serial" ;; LABEL) printf '\n%s\n' "$label" ;;
    FSTYPE) echo "$fstype" ;; UUID) printf '\n%s\n' "$uuid" ;; FSTYPE,LABEL) echo "$fstype $label" ;;
  esac
done <"$LAB/disks"
"""
_FINDMNT = 'case $* in *"/run/install/repo") cat "$LAB/medium" ;; *) exit 1 ;; esac'
_STOP = "kill -9 0"  # what the script does instead of waiting for ever
GIB = 1 << 30

PLAIN = f"sda|{64 * GIB}|0|0|sata|Plain|S1|"
FAST = f"nvme0n1|{64 * GIB}|0|0|nvme|Fast|N1|"


class Installer:
    """A folder that stands in for the installer: tools first on PATH, a boot line, a place for every file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        self.tool("sleep", _STOP)
        self.write("cmdline", "quiet\n")

    def tool(self, name: str, body: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, script: str, moved: Dict[str, str]) -> str:
        """Run a script with its absolute paths moved into the folder; return what it printed."""
        for path, name in moved.items():
            script = script.replace(path, str(self.folder / name))
        script = script.replace("/proc/cmdline", str(self.folder / "cmdline"))
        script = script.replace("/sys/class/tty/console/active", "/dev/null")
        environment = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "LAB": str(self.folder)}
        environment["TMPDIR"] = str(self.folder)
        return subprocess.run(
            ["bash", self.write("script", script)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=False,
            timeout=60,
        ).stdout.decode()


@pytest.fixture
def installer(tmp_path: Path) -> Installer:
    return Installer(tmp_path)


def choose_disk(
    installer: Installer,
    disks: Sequence[str],
    line: str = "",
    medium: str = "",
    *,
    mode: Mode = Mode.UNATTENDED,
    el: int = 9,
    volumes: Sequence[str] = (),
) -> str:
    """Run the disk script and return what it printed, followed by the storage commands.

    ``volumes`` are physical volumes as ``pvs`` tells of them: group, UUID of the group, device.
    """
    installer.tool("lsblk", _LSBLK)
    installer.tool("findmnt", _FINDMNT if medium else "exit 1")
    installer.tool("lvm", 'cat "$LAB/volumes"')
    installer.write("volumes", "".join(f"  {one}\n" for one in volumes))
    installer.write("medium", f"{medium}\n")
    installer.write("disks", "\n".join(disks) + "\n")
    installer.write("cmdline", f"quiet {line}\n")
    script = scripts(render(settings(mode=mode, el=el)), KS_SCRIPT_PRE, el)[1]
    printed = installer.run(script, {DISK_INCLUDE: "include", "/sys/firmware/efi": "efi"})
    include = installer.folder / "include"
    return printed + "=== " + (include.read_text() if include.exists() else "nothing written")
