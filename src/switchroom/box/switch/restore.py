"""Puts back what a switch that was not kept had arranged: the previous engine, the protected packages."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Tuple

from switchroom.box import engines, packages
from switchroom.box.engines import Engine, engine_at
from switchroom.box.paths import Paths
from switchroom.box.switch.scene import Scene
from switchroom.box.switch.story import Story
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import fsync_dir


def own_packages(engine: Engine) -> Tuple[str, ...]:
    """Return the names of an engine's package and of its installed module packages."""
    return (engine.package, *(f"{engine.package}-{extra}" for extra in packages.extras_of(engine)))


def restore(scene: Scene, story: Story) -> None:
    """Put both back as they were; what cannot be is told, for no call depends on it."""
    try:
        previous = _restore_previous(scene.paths, story)
        if "protect" in story.begun:
            engines_kept = [engine for engine in (scene.source, previous) if engine]
            packages.protect(scene.paths, [name for one in engines_kept for name in own_packages(one)])
    except (SwitchroomError, OSError) as error:
        scene.events.note(f"The engine to go back to, or its protection, could not be restored: {error}")


def _restore_previous(paths: Paths, story: Story) -> Optional[Engine]:
    """Return the engine that a rollback goes to, restored to the one of before the switch."""
    if "stop" not in story.begun:
        return engines.previous(paths)
    name = story.begun["stop"].data.get("previous")
    engine = engine_at(Path(name)) if name else None
    if engine:
        engines.remember(paths, engine)
    else:
        paths.previous.unlink(missing_ok=True)
        fsync_dir(paths.previous.parent)
    return engine
