"""The steps from one engine to the other, and the same ones back."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from typing import Any, List, Mapping, Optional, Tuple

from switchroom.box import engines, packages
from switchroom.box.engines import Engine
from switchroom.box.health import judge, standing
from switchroom.box.health.baseline import Baseline
from switchroom.box.health.report import Report
from switchroom.box.switch import cancel, drain, warm
from switchroom.box.switch.plan import Plan
from switchroom.box.switch.restore import restore
from switchroom.box.switch.scene import Action, Scene
from switchroom.box.switch.walker import Attempt, Step
from switchroom.core.errors import SwitchroomError

# However long the start took, health is looked at for so many seconds; judge.wait adds the settings' grace.
_LEAST_HEALTH_SECONDS = 5.0
_STAYS_DOWN_SECONDS = 15.0  # longer than anybody's stop and start; fwconsole's own takes a few


class Changing:
    """Drains, stops, flips, starts and proves; each step as safe to repeat as to do."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._started = time.monotonic()
        self._restarts: Optional[int] = None
        self._seen = 0.0

    def steps(self) -> Tuple[Step, ...]:
        """Return the steps by their names in the journal."""
        scene = self._scene
        return (
            Action("drain", self._drain, intent=self._deadline),
            Action("stop", self._stop, probe=self._is_down, intent=self._previous),
            Action("flip", self._flip),
            Action("start", lambda _: self._start(scene.target, scene.plan.health_timeout)),
            Action("health", lambda now: self._health(now, scene.target, scene.plan.health_timeout)),
            Action("stop-back", self._stop_back, probe=self._is_back),
            Action("flip-back", self._flip_back),
            Action("start-back", lambda _: self._start(scene.source, self._patience)),
            Action("health-back", self._health_back),
        )

    @property
    def _patience(self) -> float:
        """The old engine gets the time a box normally gives, however short the wish was for the new one."""
        return max(self._scene.plan.health_timeout, self._scene.settings.health.timeout)

    def _deadline(self) -> Mapping[str, Any]:
        plan = self._scene.plan
        return {"deadline": time.time() + (0.0 if plan.now else plan.drain_timeout)}

    def _drain(self, attempt: Attempt) -> Mapping[str, Any]:
        scene = self._scene
        if not scene.unit.state().up:
            return {"calls": 0}
        warm.read_ahead(scene.paths, scene.target)
        if scene.plan.now:
            return {"calls": self._calls_now()}
        # A clock that was set back must not make a drain longer than it was meant to be.
        deadline = min(attempt.intent["deadline"], time.time() + scene.plan.drain_timeout)
        result = self._drainer().run(deadline, scene.settings.drain)
        return {
            "calls": result.calls,
            "refused_since": result.refused_since,
            "contacts": self._contacts_now(),
        }

    def _contacts_now(self) -> Optional[List[str]]:
        """Return the phones that are still there; maintenance mode refuses their registrations too."""
        try:
            return sorted(standing.read(self._scene.console).contacts)
        except SwitchroomError:
            return None

    def _calls_now(self) -> Optional[int]:
        """Return the calls that the stop will cut; an Asterisk that hangs is stopped without knowing."""
        try:
            return drain.calls(self._scene.console)
        except SwitchroomError:
            return None

    def _drainer(self) -> drain.Drain:
        scene = self._scene
        return drain.Drain(
            scene.console,
            alive=lambda: scene.unit.state().up,
            cancelled=lambda: cancel.requested(scene.paths, scene.plan.id),
            tell=scene.events.drain,
            about_to_stop=scene.watch.begin,
        )

    def _is_down(self) -> bool:
        return self._scene.unit.state().down

    def _stop(self, _attempt: Attempt) -> Mapping[str, Any]:
        scene = self._scene
        warm.read_ahead(scene.paths, scene.target)
        packages.sync(scene.paths)
        self._remember()
        scene.unit.forget_failures()
        scene.watch.begin()
        scene.guard.hold()
        return self._stopped()

    def _stopped(self) -> Mapping[str, Any]:
        limit = self._scene.settings.stop.timeout
        forced = self._scene.unit.stop(limit)
        if forced:
            self._scene.events.note(f"Asterisk did not stop within {limit:.0f} s and was killed.")
        return {"forced": forced}

    def _previous(self) -> Mapping[str, Any]:
        previous = engines.previous(self._scene.paths)
        return {"previous": str(previous.prefix) if previous else None}

    def _flip(self, _attempt: Attempt) -> Mapping[str, Any]:
        scene = self._scene
        scene.guard.hold()
        self._remember()
        engines.select(scene.paths, scene.target)
        return {}

    def _remember(self) -> None:
        """Make the source the engine to go back to, before the flip; as early as that is true."""
        if engines.previous(self._scene.paths) != self._scene.source:
            engines.remember(self._scene.paths, self._scene.source)

    def _start(self, engine: Engine, limit: float) -> Mapping[str, Any]:
        scene = self._scene
        scene.guard.hold()
        self._started = time.monotonic()
        try:
            started = scene.unit.start(limit)
            if scene.unit.running() != engine:
                # While no worker lived, somebody else may have started what was selected then.
                self._stopped()
                started = scene.unit.start(limit)
            self._restarts = started.restarts
            running = scene.unit.running()
        finally:
            scene.guard.release()
        if running != engine:
            name = running.name if running else "no engine of this box"
            raise SwitchroomError(f"After the start {name} runs in place of Asterisk {engine.name}.")
        return {}

    def _health(self, attempt: Attempt, engine: Engine, limit: float) -> Mapping[str, Any]:
        scene = self._scene
        left = max(limit - (time.monotonic() - self._started), _LEAST_HEALTH_SECONDS)
        self._seen = time.monotonic()
        before = _as_drained(baseline_of(scene.plan), attempt.story.results.get("drain", {}).get("contacts"))
        report = judge.wait(scene.paths, scene.settings, before, engine, left, tell=self._crash_check)
        if not report.healthy:
            raise ill(engine, report)
        return {"seconds": report.seconds, **scene.watch.end()}

    def _crash_check(self, *_news: object) -> None:
        """End the wait for health at once when the engine crashed after its start.

        Somebody's own stop or restart (fwconsole's, systemctl's) is no crash; what stays down is started.
        """
        unit = self._scene.unit
        state = unit.state()
        if self._restarts is None:  # another life of the worker made the start
            self._restarts = state.restarts
        if state.crashed or state.restarts > self._restarts:
            raise SwitchroomError(
                f"Asterisk crashed after its start ({state.result}, status {state.status}).",
                cause=unit.last_words(),
            )
        if not state.down:
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > _STAYS_DOWN_SECONDS:
            unit.try_again()

    def _is_back(self) -> bool:
        scene = self._scene
        if not scene.selected(scene.source):
            return False
        return scene.unit.running() == scene.source

    def _stop_back(self, _attempt: Attempt) -> Mapping[str, Any]:
        self._scene.guard.hold()
        return self._stopped()

    def _flip_back(self, _attempt: Attempt) -> Mapping[str, Any]:
        self._scene.guard.hold()
        self._scene.unit.forget_failures()
        engines.select(self._scene.paths, self._scene.source)
        return {}

    def _health_back(self, attempt: Attempt) -> Mapping[str, Any]:
        with contextlib.suppress(SwitchroomError):
            drain.calm(self._scene.console)  # the old process may never have ended
        figures = self._health(attempt, self._scene.source, self._patience)
        restore(self._scene, attempt.story)
        return figures


def baseline_of(plan: Plan) -> Optional[Baseline]:
    """Return what worked before the switch, if that is known."""
    return Baseline.from_dict(plan.baseline) if plan.baseline else None


def _as_drained(before: Optional[Baseline], contacts: Optional[List[str]]) -> Optional[Baseline]:
    """Return the baseline without the phones that were lost while calls ended: no engine is to blame."""
    if before is None or contacts is None:
        return before
    there = {name: state for name, state in before.contacts.items() if name in contacts}
    return dataclasses.replace(before, contacts=there)


def ill(engine: Engine, report: Report) -> SwitchroomError:
    """Return the error for an engine that runs without dial tone."""
    names = ", ".join(check.name for check in report.failed)
    evidence = "\n".join(f"{check.name}: {check.evidence}" for check in report.failed)
    return SwitchroomError(f"Asterisk {engine.name} runs, and is not healthy: {names}.", cause=evidence)
