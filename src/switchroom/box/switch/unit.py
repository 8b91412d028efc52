"""asterisk.service, by systemctl: the one owner of the process."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Optional

from switchroom.box.engines import Engine, engine_at
from switchroom.core import process
from switchroom.core.errors import SwitchroomError

NAME = "asterisk.service"
_PROPERTIES = "ActiveState,SubState,Result,MainPID,ExecMainStatus,ExecMainCode,NRestarts,Job"
_POLL_SECONDS = 0.1
_COMMAND_SECONDS = 30.0
# systemd does not answer for a moment while it executes itself anew, as an update of it does.
_AGAIN_SECONDS = 1.0
_EVIDENCE_SECONDS = 3.0
_KILL_SECONDS = 15.0
# What never got ready has no calls to end.
_FAILED_START_SECONDS = 2.0
# A start may have to wait for what it is ordered after (the network, at boot) this much longer.
_QUEUE_SECONDS = 300.0


@dataclass(frozen=True)
class State:
    """What systemd knows of the service; ``job`` tells whether one is queued or running."""

    active: str
    sub: str
    result: str
    pid: int
    status: int
    restarts: int
    job: bool

    @property
    def up(self) -> bool:
        """Return whether Asterisk has said that it is fully booted."""
        return self.active == "active"

    @property
    def down(self) -> bool:
        """Return whether no process is left and none will come by itself."""
        return self.active in ("inactive", "failed") and not self.job

    @property
    def crashed(self) -> bool:
        """Return whether the last process ended in a way that it should not have."""
        return self.active == "failed" or self.sub.startswith("auto-restart")


class Unit:
    """Starts and stops the service within limits, and tells what runs."""

    def __init__(self, name: str = NAME, proc: Path = Path("/proc")) -> None:
        self._name, self._proc = name, proc
        self._started: Optional[float] = None

    def state(self) -> State:
        """Return what systemd knows now."""
        try:
            return self._ask()
        except SwitchroomError:
            time.sleep(_AGAIN_SECONDS)
            return self._ask()

    def _ask(self) -> State:
        text = process.run(
            ["systemctl", "show", self._name, f"--property={_PROPERTIES}"],
            what=f"Asking systemd about {self._name}",
            timeout=_COMMAND_SECONDS,
        ).stdout.decode()
        return _state(dict(line.split("=", 1) for line in text.splitlines() if "=" in line))

    def running(self) -> Optional[Engine]:
        """Return the engine whose program is the service's process, or None."""
        return self._engine_of(self.state().pid)

    def stop(self, limit: float) -> bool:
        """Stop the service and whatever of it is left after ``limit`` seconds; return whether by force."""
        try:
            self._call("stop", timeout=limit)
        except SwitchroomError:
            self._kill()
            return True
        return False

    def start(self, limit: float) -> State:
        """Start the service and wait until it is fully booted.

        Raises SwitchroomError as soon as it crashed, or after ``limit`` seconds; it is stopped then.
        """
        self._started = time.time()
        try:
            return self._wait_up(limit)
        except SwitchroomError:
            self.stop(_FAILED_START_SECONDS)  # also ends what systemd would try again
            raise

    def forget_failures(self) -> None:
        """Reset what systemd counts against the service: failures, and starts within a short time."""
        self._call("reset-failed", check=False)

    def try_again(self) -> None:
        """Ask for a start without waiting: systemd goes on trying."""
        self.forget_failures()
        self._call("start", "--no-block", check=False)

    def last_words(self) -> str:
        """Return the last lines that the service left in the system journal, of our own start if any."""
        argv = ["journalctl", f"--unit={self._name}", "--lines=12", "--output=cat", "--no-pager"]
        argv += [f"--since=@{self._started:.0f}"] if self._started else []
        try:
            said = process.run(argv, check=False, timeout=_EVIDENCE_SECONDS).stdout
        except SwitchroomError:
            return ""  # no evidence is worth a longer outage
        return said.decode(errors="replace").strip()

    def _wait_up(self, limit: float) -> State:
        latest = time.monotonic() + _QUEUE_SECONDS
        while True:
            over = self._start_job(limit)
            state = self.state()
            if state.up:
                return state
            if over:
                raise self._gone(state)
            if state.active != "inactive" or time.monotonic() > latest:
                raise SwitchroomError(
                    f"Asterisk was not fully booted within {limit:.0f} s.", cause=self.last_words()
                )

    def _start_job(self, limit: float) -> bool:
        """Have systemd start the service; return whether that ended, well or not, within ``limit``.

        systemctl itself waits, which costs the starting Asterisk less than being asked again and again. While
        the start is queued behind something else, its own time has not begun.
        """
        try:
            self._call("start", check=False, timeout=limit)
        except SwitchroomError:
            return False
        return True

    def _gone(self, state: State) -> SwitchroomError:
        how = f"{state.result}, status {state.status}" if state.result != "success" else "no process"
        return SwitchroomError(f"Asterisk ended while it started ({how}).", cause=self.last_words())

    def _kill(self) -> None:
        self._call("kill", "--signal=SIGKILL", "--kill-who=all", check=False)
        deadline = time.monotonic() + _KILL_SECONDS
        while not self.state().down:
            if time.monotonic() > deadline:
                raise SwitchroomError(
                    "Asterisk cannot be stopped, not even by force.", cause=self.last_words()
                )
            time.sleep(_POLL_SECONDS)

    def _engine_of(self, pid: int) -> Optional[Engine]:
        try:
            program = os.readlink(self._proc / str(pid) / "exe")
        except OSError:
            return None
        return engine_at(Path(program).parent.parent)

    def _call(self, verb: str, *words: str, check: bool = True, timeout: float = _COMMAND_SECONDS) -> None:
        process.run(
            ["systemctl", verb, *words, self._name],
            what=f"'systemctl {verb} {self._name}'",
            check=check,
            timeout=timeout,
        )


def shutting_down() -> bool:
    """Return whether the machine is on its way down."""
    result = process.run(["systemctl", "is-system-running"], check=False, timeout=_COMMAND_SECONDS)
    return result.stdout.strip() == b"stopping"


def _state(values: Dict[str, str]) -> State:
    return State(
        active=values["ActiveState"],
        sub=values["SubState"],
        result=values["Result"],
        pid=int(values["MainPID"]),
        status=int(values["ExecMainStatus"]),
        restarts=int(values["NRestarts"]),
        job=values.get("Job", "") not in ("", "0"),
    )
