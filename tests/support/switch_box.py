"""A simulated box for the switch: its state lives in files, and the worker dies in it as by SIGKILL.

The worker runs in a forked child that ends itself at the n-th effect, so locks, files and memory are left
exactly as a kill leaves them. What stands in: systemd, Asterisk's console, rpm and the health checks.
"""

from __future__ import annotations

import json
import os
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import pytest

from switchroom.box import engines, packages
from switchroom.box.engines import Engine
from switchroom.box.health.report import Check, Report
from switchroom.box.health.standing import Standing
from switchroom.box.paths import Paths
from switchroom.box.settings import load_settings
from switchroom.box.switch import changing, journal, recover, status, transaction
from switchroom.box.switch.plan import EngineName, KeptPackage, Plan, submit
from switchroom.box.switch.unit import NAME, State
from switchroom.core import files
from switchroom.core.errors import SwitchroomError

KILLED, BROKEN = 137, 99
_APPEND, _LINK = journal.Journal.append, files.link_atomic
_SETTINGS = load_settings(Paths(Path("/nonexistent")))


@dataclass
class Faults:
    """What is wrong on the box, by the names of engines."""

    crashing: Tuple[str, ...] = ()
    ill: Tuple[str, ...] = ()
    torn: bool = False


class Simulation:
    """The box. ``old`` runs; ``new`` is what the plan of ``submit`` brings."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, faults: Optional[Faults] = None) -> None:
        self.paths, self.faults, self.monkeypatch = Paths(root), faults or Faults(), monkeypatch
        self.old = self.stand("22.10.1-1")
        self.new = self._engine("99.0.0-1", whole=False)
        self._ticks, self._fatal = 0, 0
        self._file = root / "simulation.json"
        self._save(running=self.old.name, maintenance=False, rpm="none", user=[], boot="boot-0")
        engines.select(self.paths, self.old)
        (root / "run/switchroom").mkdir(parents=True)
        self._patch(monkeypatch)

    # What the tests do to the box.

    def stand(self, name: str) -> Engine:
        """Put a whole engine there."""
        return self._engine(name, whole=True)

    def submit(self, drain: float = 0.0, baseline: Optional[Dict[str, Any]] = None) -> None:
        """Lay the plan down that brings the new engine."""
        kept = KeptPackage(
            "/var/lib/switchroom/packages/new.rpm", f"{self.new.package}-99.0.0-1.lab.x86_64", "0"
        )
        names = EngineName.of(self.old), EngineName.of(self.new)
        command = ("switchroom", "switch", "99")
        submit(
            self.paths,
            Plan("T1", journal.now(), "root", command, *names, (kept,), drain, False, 5.0, baseline),
        )

    def work(self, fatal: int = 0) -> int:
        """Run the worker, in a child that dies at its ``fatal``-th effect unless that is 0; its exit code."""
        return self._in_child(fatal) if fatal else self._worker()

    def reboot(self) -> None:
        """Lose all processes; systemd then starts what the selector leads to, after the recovery."""
        self._save(boot=f"boot-{int(self.state['boot'][5:]) + 1}", running=None, maintenance=False)
        for name in ("plan.json", "cancel"):
            (self.paths.runtime / name).unlink(missing_ok=True)

        recover.recover(self.paths, lambda _text: None)
        self.start()

    def start(self) -> None:
        """Start the selected engine, as anybody may."""
        active = engines.active(self.paths)
        if active and active.name not in self.faults.crashing:
            self._save(running=active.name)

    @property
    def state(self) -> Dict[str, Any]:
        """Running engine, maintenance mode, rpm's view of the new packages, marks, boot."""
        found: Dict[str, Any] = json.loads(self._file.read_text())
        return found

    @property
    def outcome(self) -> Dict[str, Any]:
        """The end record of the transaction."""
        return dict(journal.read(self.paths.history / "T1" / "journal")[-1].data)

    # What stands in for the rest of the box.

    def tick(self) -> None:
        """Count an effect; the worker may die right after it."""
        self._ticks += 1
        if self._ticks == self._fatal:
            os._exit(KILLED)

    def _in_child(self, fatal: int) -> int:
        pid = os.fork()
        if pid == 0:
            code = BROKEN
            try:
                self._ticks, self._fatal = 0, fatal
                code = self._worker()
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def _worker(self) -> int:
        try:
            outcome = transaction.run(self.paths, lambda _text: None)
        except SwitchroomError as error:
            return int(error.code)
        return int(outcome.code) if outcome else 0

    def _engine(self, name: str, whole: bool) -> Engine:
        prefix = self.paths.engines / name
        if whole:
            (prefix / "sbin").mkdir(parents=True)
            (prefix / "sbin/asterisk").touch(mode=0o755)
        engine = engines.engine_at(self.paths.on_box(prefix))
        assert engine
        return engine

    def _save(self, **changes: Any) -> None:
        before = self.state if self._file.exists() else {}
        self._file.write_text(json.dumps({**before, **changes}))

    def _patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def ticking_append(log: journal.Journal, *args: Any, **data: Any) -> journal.Record:
            record = _APPEND(log, *args, **data)
            self.tick()
            return record

        def ticking_link(target: str, name: Path) -> None:
            _LINK(target, name)
            self.tick()

        monkeypatch.setattr(os, "fsync", lambda _handle: None)  # a kill keeps what was written
        monkeypatch.setattr(journal.Journal, "append", ticking_append)
        monkeypatch.setattr(engines, "link_atomic", ticking_link)
        monkeypatch.setattr(journal, "boot_id", lambda: self.state["boot"])
        monkeypatch.setattr(transaction, "load_settings", lambda _paths: _SETTINGS)
        for module in (transaction, status):
            monkeypatch.setattr(module, "Unit", lambda name=NAME: FakeUnit(self, name))
        monkeypatch.setattr(changing.standing, "read", lambda _console: Standing({}, {}, {}))
        monkeypatch.setattr(transaction, "Console", lambda: FakeConsole(self))
        monkeypatch.setattr(transaction, "shutting_down", lambda: False)
        monkeypatch.setattr(changing.judge, "wait", self._health)
        monkeypatch.setattr(packages, "extras_of", lambda _engine: ("odbc",))
        for name in ("install", "reinstall", "verify", "mark_user", "sync"):
            monkeypatch.setattr(packages, name, getattr(self, f"_{name}"))

    def _health(
        self, _paths: Paths, _settings: object, _base: object, expect: Engine, *_: Any, **__: Any
    ) -> Report:
        self.tick()
        well = self.state["running"] == expect.name and expect.name not in self.faults.ill
        return Report((Check("sip", well, 0.0, "simulated"),), 0.0)

    def _install(self, _kept: Tuple[packages.Kept, ...], **_options: str) -> None:
        self._unpack(scriptlets=not self.faults.torn)
        if self.faults.torn:
            raise packages.TornError("The child died.", "")

    def _reinstall(self, _kept: Tuple[packages.Kept, ...], **_options: str) -> None:
        self._unpack(scriptlets=True)

    def _unpack(self, scriptlets: bool) -> None:
        self._save(rpm="half")
        self.tick()
        self._engine(self.new.name, whole=not engines.startable(self.paths.from_box(str(self.new.prefix))))
        self.tick()
        # An installation that begins anew does not run what the torn one lost.
        self._save(rpm="whole" if scriptlets else "half")
        self.tick()

    def _verify(self, _names: object) -> Tuple[str, ...]:
        return ()

    def _mark_user(self, names: Tuple[str, ...]) -> None:
        self._save(user=sorted(names))
        self.tick()

    def _sync(self, _paths: Paths) -> None:
        self.tick()


@dataclass
class FakeUnit:
    """systemd and asterisk.service."""

    box: Simulation
    name: str = NAME

    def state(self) -> State:
        up = self.name == NAME and self.box.state["running"] is not None
        return State("active" if up else "inactive", "", "success", 7 if up else 0, 0, 0, False)

    def running(self) -> Optional[Engine]:
        name = self.box.state["running"]
        return next((one for one in (self.box.old, self.box.new) if one.name == name), None)

    def stop(self, _limit: float) -> bool:
        self.box._save(running=None, maintenance=False)
        self.box.tick()
        return False

    def start(self, _limit: float) -> State:
        if self.box.state["running"]:
            return self.state()
        active = engines.active(self.box.paths)
        if active is None or active.name in self.box.faults.crashing:
            self.box.tick()
            raise SwitchroomError("Asterisk ended while it started.")
        self.box._save(running=active.name)
        self.box.tick()
        return self.state()

    def forget_failures(self) -> None:
        """Nothing is counted here."""

    def try_again(self) -> None:
        """Nothing tries on here."""

    def last_words(self) -> str:
        return "simulated"


@dataclass
class FakeConsole:
    """Asterisk's console."""

    box: Simulation

    def ask(self, command: str) -> str:
        if not self.box.state["running"]:
            raise SwitchroomError("Asterisk does not answer.")
        if command.startswith("pjsip set maintenance"):
            self.box._save(maintenance=" on " in command)
            self.box.tick()
        return {
            "core show channels count": "0 active calls",
            "module show like res_pjsip_maintenance": "Running",
        }.get(command, "")
