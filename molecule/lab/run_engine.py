"""Runs the Asterisk that a scratch root selects, and calls it.

What stands in for a booted box: namespaces of its own for network, processes and mounts, on a chroot.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path
from typing import Iterator

from lab.roots import inside
from switchroom.core import process
from switchroom.core.errors import SwitchroomError
from switchroom.core.process import Result

_START_SECONDS = 60
_STOP_SECONDS = 20
_SIP_PORT = 5060


class Engine:
    """A running Asterisk."""

    def __init__(self, root: Path, namespaces: subprocess.Popen[bytes]) -> None:
        self._root, self._namespaces = root, namespaces

    @property
    def pid(self) -> int:
        """Asterisk's process number, as the host sees it."""
        unshare = self._namespaces.pid
        (child,) = Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
        return int(child)

    def command(self, text: str) -> str:
        """Return the answer to a console command, such as ``core show version``."""
        return self._console(text).stdout.decode(errors="replace").strip()

    def call(self, extension: str, milliseconds: int) -> None:
        """Call an extension over SIP from 127.0.0.1, send back the media it plays, hang up.

        Raises SwitchroomError unless the call was answered and ended as SIP demands.
        """
        caller = [
            "sipp",
            "-sn",
            "uac",
            f"127.0.0.1:{_SIP_PORT}",
            "-s",
            extension,
            "-i",
            "127.0.0.1",
            "-p",
            "5070",
        ]
        limits = ["-m", "1", "-d", str(milliseconds), "-timeout", "20s", "-timeout_error"]
        process.run(
            [
                "nsenter",
                f"--target={self._namespaces.pid}",
                "--net",
                *caller,
                *limits,
                "-rtp_echo",
                "-nostdin",
            ],
            what=f"The SIP call to extension '{extension}'",
        )

    def wait_booted(self) -> None:
        """Wait until Asterisk says it is fully booted; raises SwitchroomError if it ends or never does."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._namespaces.poll() is None:
            if self._console("core waitfullybooted").returncode == 0:
                return
            time.sleep(0.2)
        raise SwitchroomError("Asterisk did not boot in the lab root.", cause=self._log())

    def stop(self) -> None:
        """Stop Asterisk, by force if it does not go when asked."""
        self._console("core stop now")
        try:
            self._namespaces.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._namespaces.kill()  # and with it, by --kill-child, all of its process namespace
            self._namespaces.wait()

    def _console(self, text: str) -> Result[bytes]:
        return inside(self._root, "/usr/sbin/asterisk", "-rx", text, check=False)

    def _log(self) -> str:
        return process.last_lines((self._root.parent / "asterisk.log").read_bytes())


def _unit_setting(root: Path, name: str) -> str:
    lines = (root / "usr/lib/systemd/system/asterisk.service").read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith(f"{name}="))


@contextlib.contextmanager
def running_engine(root: Path) -> Iterator[Engine]:
    """Start the selected Asterisk as its unit does and give it fully booted; it is stopped afterwards."""
    contain = ["unshare", "--net", "--pid", "--mount-proc", f"--root={root}", "--kill-child"]
    # A change of user clears the death signal that --kill-child had set.
    as_user = "setpriv --reuid=asterisk --regid=asterisk --init-groups --pdeathsig=KILL"
    start = f"ip link set lo up && exec {as_user} {_unit_setting(root, 'ExecStart')}"
    with (root.parent / "asterisk.log").open("wb") as log:
        namespaces = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", *contain, "/bin/sh", "-c", start],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    engine = Engine(root, namespaces)
    try:
        engine.wait_booted()
        yield engine
    finally:
        engine.stop()
