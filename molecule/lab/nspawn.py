"""systemd-nspawn, which boots a box's root."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Sequence

from lab.namespaces import Namespaces

# machined does not run on every machine, so nothing is registered. The network is that of the namespaces,
# and a box may do with it what a machine may.
_NSPAWN = [
    "systemd-nspawn",
    "--quiet",
    "--boot",
    "--register=no",
    "--keep-unit",
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--console=read-only",
    "--capability=CAP_NET_ADMIN",
    "--rlimit=NOFILE=1024:524288",  # as the kernel and EL's systemd set it, whatever the caller's is
]
_INIT = ["systemd.show_status=yes"]  # on the console, for errors to quote
# A box's services use ten inotify instances; kernels allow root 128 in all, which is too few for ten boxes.
_WATCHES, _ENOUGH = Path("/proc/sys/fs/inotify/max_user_instances"), 1024
# With --keep-unit, nspawn asks for a reboot by this exit code.
_SUPERVISE = 'while "$@"; [ $? = 133 ]; do :; done'
# Alone in its group, so that nspawn may hand controllers on to the box.
_JOIN = 'echo 0 >"$0/cgroup.procs" && exec "$@"'


def launch(life: Namespaces, group: Path, words: Sequence[str], console: Path) -> subprocess.Popen[bytes]:
    """Boot a box in its namespaces and control group; ``words`` say which. It ends when the box is off."""
    if int(_WATCHES.read_text()) < _ENOUGH:
        _WATCHES.write_text(str(_ENOUGH))
    boot = ["sh", "-c", _JOIN, str(group), *_NSPAWN, *words, *_INIT]
    with console.open("wb") as sink:
        return subprocess.Popen(
            ["sh", "-c", _SUPERVISE, "sh", *life.entering("mount", "pid", "net"), *boot],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            # The box's systemd is to see the unified hierarchy alone, whatever else the host mounts.
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "TERM": "dumb"},
            start_new_session=True,
        )
