"""Processes known for certain: a pid alone may be somebody else's by now."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from switchroom.core.errors import SwitchroomError

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_END_SECONDS = 60.0
_POLL_SECONDS = 0.005


@dataclass(frozen=True)
class Process:
    """A process of this machine: its pid, its start in clock ticks since boot, and that boot."""

    pid: int
    start: int
    boot: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; one that only waits to be reaped does not."""
        return identify(self.pid) == self

    def end(self) -> None:
        """Kill it, if it runs."""
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)

    def wait_gone(self) -> None:
        """Wait until it is gone; raises SwitchroomError when the kernel does not let go of it."""
        deadline = time.monotonic() + _END_SECONDS
        while self.alive:
            if time.monotonic() > deadline:
                raise SwitchroomError(f"The killed process {self.pid} does not end.")
            time.sleep(_POLL_SECONDS)


def identify(pid: int) -> Optional[Process]:
    """Return the process that has this pid now, or None."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = text.rpartition(")")[2].split()
    if state in "ZX":
        return None
    return Process(pid, int(fields[18]), _BOOT_ID.read_text().strip())


def myself() -> Process:
    """Return the process that calls."""
    found = identify(os.getpid())
    if found is None:
        raise SwitchroomError("The lab needs a /proc of its own process namespace.")
    return found
