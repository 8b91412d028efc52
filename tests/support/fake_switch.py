"""``switchroom switch`` on a folder: packages, health, scan and worker are fakes, everything else is real.

Run as a program (``python -m support.fake_switch ROOT ARGUMENT...``) it is the command on such a box, so that
a test can give it a terminal; ``--slow`` makes its worker stay at the first step.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, List, Sequence, Tuple

from support.offers import engine, offer
from switchroom.box import engines, modules, packages, scan
from switchroom.box.health import baseline, judge
from switchroom.box.health.report import Check, Report
from switchroom.box.packages import Item, Offer, Resolution
from switchroom.box.paths import Paths
from switchroom.box.switch import drain, journal, preflight, prepare, scanned, survey
from switchroom.box.switch import status as standing
from switchroom.box.switch.events import Events
from switchroom.box.switch.outcome import End, Figures, Outcome
from switchroom.box.switch.plan import submitted
from switchroom.cli import status, switch, switch_follow
from switchroom.cli.main import main
from switchroom.core.errors import SwitchroomError

SetAttr = Callable[[Any, str, Any], None]

HEALTHY = Report((Check("sip", True, 0.1, "200 from 127.0.0.1:5060"),), 0.2)
ILL = Report((Check("sip", False, 1.0, "no answer from 127.0.0.1:5060"),), 1.1)


@dataclass
class FakeSwitch:
    """What the fakes say; set the fields before the command runs. ``told`` are the worker's events."""

    root: Path
    offers: Tuple[Offer, ...] = (
        offer("22", "22.11.0-1"),
        offer("22", "22.10.1-1", installed=True),
        offer("20", "20.21.0-1", installed=True),
        offer("16", "16.30.1-1"),
    )
    health: Report = HEALTHY
    findings: Tuple[scan.Finding, ...] = ()
    calls: int = 2
    unreachable: SwitchroomError | None = None
    unresolvable: SwitchroomError | None = None
    lock_holder: str | None = None
    missing: Tuple[str, ...] = ()
    foreign: Tuple[modules.Foreign, ...] = ()
    outcome: End = End.KEPT
    told: List[Tuple[str, ...]] = field(default_factory=lambda: [("packages",), ("drain",), ("health",)])
    pause: float = 0.0
    started: int = 0

    def install(self, setattr_: SetAttr) -> None:
        """Put the fakes in place and the box's files on the disk."""
        paths = Paths(self.root)
        _furnish(paths)
        setattr_(switch, "Paths", lambda: paths)
        setattr_(status, "Paths", lambda: paths)
        setattr_(preflight, "require_root", lambda: None)
        setattr_(packages, "offers", self._offer)
        setattr_(packages, "resolve", self._resolve)
        setattr_(packages, "extras_of", lambda _engine: ())
        setattr_(packages, "lock_holder", lambda _paths: self.lock_holder)
        setattr_(packages, "fetch", lambda *_a, **_k: ())
        setattr_(packages, "rehearse", lambda _kept: None)
        setattr_(modules, "foreign", lambda *_a: self.foreign)
        setattr_(judge, "measure", lambda *_a, **_k: self.health)
        setattr_(judge, "capture", lambda *_a, **_k: baseline.Baseline())
        setattr_(scan, "check", lambda *_a, **_k: self.findings)
        setattr_(scanned, "_inventory", lambda *_a, **_k: None)
        setattr_(drain, "calls", lambda _console: self.calls)
        setattr_(drain, "has_maintenance", lambda _console: True)
        setattr_(survey, "expected_outage", lambda _paths: 1.2)
        setattr_(standing, "_service", lambda: ("22.10.1-1", "active"))
        setattr_(
            prepare, "begin", lambda: threading.Thread(target=self._work, args=(paths,), daemon=True).start()
        )
        setattr_(switch_follow, "_worker_alive", lambda: True)

    def _offer(self, _channel: str | None = None, *, offline: bool = False, **_k: Any) -> Tuple[Offer, ...]:
        if self.unreachable and not offline:
            raise self.unreachable
        return tuple(one for one in self.offers if one.installed or not offline)

    def _resolve(self, wanted: engines.Engine, *_a: Any, **_k: Any) -> Resolution:
        if self.unresolvable:
            raise self.unresolvable
        name = wanted.package
        nevra = f"{name}-{wanted.version}-{wanted.build}.lab.x86_64"
        item = Item(nevra, name, "switchroom-stable", "install", 6 << 20, 40 << 20)
        return Resolution("", (item,), (name,), self.missing, ())

    def _work(self, paths: Paths) -> None:
        """Do what the worker does, as far as somebody who watches can see."""
        self.started += 1
        plan = submitted(paths)
        assert plan
        stage = paths.state / "stage"
        stage.mkdir(parents=True)
        journal.create(stage, plan.as_dict(), "boot")
        stage.rename(paths.transaction)
        events = Events(paths.transaction, lambda _line: None)
        for (step,) in self.told:
            events.step(step, "begin", "")
            time.sleep(self.pause)
            events.step(step, "done", "")
        source, target = plan.source.version, plan.target.version
        kept = self.outcome is End.KEPT
        figures = Figures(outage_ms=1234, refused_ms=2500, calls_ended=1)
        reason, hint = ("", "") if kept else ("Asterisk runs, and is not healthy: sip.", "Look at the log.")
        running = target if kept else source
        end = Outcome(plan.id, self.outcome, source, target, running, reason, "", hint, 5.0, figures)
        events.end(dict(end.as_dict()), "over")
        events.close()


def _furnish(paths: Paths) -> None:
    for name in ("22.10.1-1", "20.21.0-1"):
        program = paths.engines / name / "sbin/asterisk"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
    (paths.root / "run/systemd/system").mkdir(parents=True)
    engines.select(paths, engine("22.10.1-1"))
    engines.remember(paths, engine("20.21.0-1"))


def _program(words: Sequence[str]) -> int:
    rest = [word for word in words[1:] if word != "--slow"]
    FakeSwitch(Path(words[0]), pause=3600.0 if "--slow" in words else 0.0).install(setattr)
    sys.argv = ["asterisk-version-switch", "switch", *rest]
    return main()


if __name__ == "__main__":
    sys.exit(_program(sys.argv[1:]))
