"""The namespaces of one life of a box: whatever happens in them ends with them.

Mounts, loop devices, network devices and processes belong to no place of the host. To kill the first process
is to take all of it away at once, and the kernel does the same when the owner dies: its end of a pipe closes.
"""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence

from lab.owners import Process, identify
from switchroom.core import process
from switchroom.core.errors import SwitchroomError
from switchroom.core.process import Arg, Result

_UNSHARE = [
    "unshare",
    "--mount",
    "--propagation=slave",
    "--pid",
    "--net",
    "--fork",
    "--kill-child",
    "--mount-proc",
]
# nspawn's own notes stay inside, too: it does not tidy them up when it is killed.
_PREPARE = (
    "ip link set lo up && "
    "mkdir -p /run/systemd/nspawn && mount -t tmpfs tmpfs /run/systemd/nspawn && "
    "echo ready"
)
_TIED = f"{_PREPARE} && exec cat"
_FREE = f"{_PREPARE} && exec sleep infinity"


@dataclass
class Namespaces:
    """``keeper`` waits outside for ``first``, the process 1 inside."""

    keeper: Process
    first: Process
    child: Optional[subprocess.Popen[bytes]] = None  # the keeper, where this process started it

    @property
    def alive(self) -> bool:
        """Whether they still exist."""
        return self.first.alive

    def path(self, inside: Path) -> Path:
        """Return a way from the host to a path as the namespaces see it. Do not ``resolve()`` it."""
        return Path(f"/proc/{self.first.pid}/root{inside}")

    def entering(self, *kinds: str) -> list[str]:
        """Return the words that run the command after them inside (``mount``, ``pid``, ``net``)."""
        return ["nsenter", f"--target={self.first.pid}", *(f"--{kind}" for kind in kinds)]

    def run(self, argv: Sequence[Arg], *kinds: str, stdin: bytes = b"", what: str = "") -> Result[bytes]:
        """Run a program in namespaces of these kinds; raises SwitchroomError if it fails."""
        return process.run([*self.entering(*kinds), *argv], stdin=stdin, what=what)

    def end(self) -> None:
        """Kill all that is in them and wait until the kernel has taken everything down."""
        self.first.end()
        self.keeper.wait_gone()
        self.first.wait_gone()
        if self.child:
            self.child.wait()
            with contextlib.suppress(OSError):
                self.child.stdin.close()  # type: ignore[union-attr]


def make(tied: bool) -> Namespaces:
    """Make new ones. ``tied`` ones end with this process, however it ends; others stay until ended."""
    process.require("unshare", "nsenter", "ip")
    child = subprocess.Popen(
        [*_UNSHARE, "sh", "-c", _TIED if tied else _FREE],
        stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert child.stdout is not None  # noqa: S101 -- for the type checker
    with child.stdout:
        ready = child.stdout.readline()
    keeper, first = identify(child.pid), _first(child.pid)
    if not ready or keeper is None or first is None:
        child.kill()
        raise SwitchroomError(
            "This machine gives no namespaces to a box.",
            hint="The lab needs root with CAP_SYS_ADMIN: a virtual machine, or a privileged container.",
        )
    return Namespaces(keeper, first, child)


def _first(keeper: int) -> Optional[Process]:
    children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    return identify(int(children[0])) if children else None
