"""What the steps of one transaction work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

from switchroom.box import engines
from switchroom.box.console import Console
from switchroom.box.engines import Engine
from switchroom.box.limits import load_limits
from switchroom.box.paths import Paths
from switchroom.box.settings import Settings
from switchroom.box.switch.events import Events
from switchroom.box.switch.guard import Guard
from switchroom.box.switch.outage import Watch
from switchroom.box.switch.plan import Plan
from switchroom.box.switch.unit import Unit
from switchroom.box.switch.walker import Attempt


@dataclass(frozen=True)
class Scene:
    """One box, one plan, and the means to carry it out."""

    paths: Paths
    plan: Plan
    settings: Settings
    events: Events
    unit: Unit
    console: Console
    watch: Watch
    guard: Guard

    @property
    def source(self) -> Engine:
        """The engine that ran before."""
        return self.plan.source.engine

    @property
    def target(self) -> Engine:
        """The engine that shall run."""
        return self.plan.target.engine

    def selected(self, engine: Engine) -> bool:
        """Return whether the selector names an engine."""
        return engines.active(self.paths) == engine

    def limit(self, step: str) -> float:
        """Return how many seconds a step may take: what the tool allows, and what plan and settings give."""
        health = self.settings.health
        patience = max(self.plan.health_timeout, health.timeout) + health.grace + self.settings.stop.timeout
        given = self.plan.drain_timeout if step == "drain" else patience
        return load_limits().steps[step] + given


def never() -> bool:
    """Return False: the work is always to be done."""
    return False


def nothing() -> Mapping[str, Any]:
    """Return no data: there is nothing to remember from the first attempt."""
    return {}


@dataclass(frozen=True)
class Action:
    """A step made of functions."""

    name: str
    do: Callable[[Attempt], Mapping[str, Any]]
    probe: Callable[[], bool] = never
    intent: Callable[[], Mapping[str, Any]] = nothing
