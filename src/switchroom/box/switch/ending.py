"""The steps that leave a box as it was, and the one for when not even that could be done."""

from __future__ import annotations

import contextlib
from typing import Any, Mapping, Tuple

from switchroom.box import engines
from switchroom.box.switch import drain, rescue
from switchroom.box.switch.restore import restore
from switchroom.box.switch.scene import Action, Scene
from switchroom.box.switch.walker import Attempt, Step
from switchroom.core.errors import SwitchroomError


class Ending:
    """Ends a switch that changed nothing, or one that could not be rolled back."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def steps(self) -> Tuple[Step, ...]:
        """Return the steps by their names in the journal."""
        return (Action("calm", self._calm), Action("rescue", self._rescue))

    def _calm(self, attempt: Attempt) -> Mapping[str, Any]:
        """See to it that the old engine runs and takes calls, as before."""
        scene = self._scene
        if not scene.selected(scene.source):
            engines.select(scene.paths, scene.source)
        if scene.unit.running() != scene.source or not scene.unit.state().up:
            scene.unit.start(scene.settings.health.timeout)
        if "drain" in attempt.story.begun:
            drain.calm(scene.console)
        restore(scene, attempt.story)
        return {"running": scene.source.name}

    def _rescue(self, attempt: Attempt) -> Mapping[str, Any]:
        scene = self._scene
        running = rescue.any_engine(scene.paths, scene.unit, (scene.source, scene.target))
        with contextlib.suppress(SwitchroomError):
            drain.calm(scene.console)
        restore(scene, attempt.story)
        return {"running": running.name if running else None, **scene.watch.end()}
