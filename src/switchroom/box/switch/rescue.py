"""The last resort: some whole engine must run, the best one there is."""

from __future__ import annotations

import re
from typing import Iterable, Optional, Tuple

from switchroom.box import engines
from switchroom.box.engines import Engine
from switchroom.box.paths import Paths
from switchroom.box.switch.target import age
from switchroom.box.switch.unit import Unit
from switchroom.core.errors import SwitchroomError

_START_SECONDS = 60.0
# Made beside the links before they are renamed: ours, and the engine package's.
_STRAY = re.compile(r"\.(engine|previous)\.\d+\.new|engine\.new")


def candidates(paths: Paths, preferred: Iterable[Engine] = ()) -> Tuple[Engine, ...]:
    """Return the engines that can be started, best first.

    These are the preferred ones, the selected one, the previous one, then all others from the newest.
    """
    linked = [engine for engine in (engines.active(paths), engines.previous(paths)) if engine]
    newest = sorted(engines.installed(paths), key=age, reverse=True)
    wanted = [*preferred, *linked, *newest]
    whole = [engine for engine in wanted if engines.startable(paths.from_box(str(engine.prefix)))]
    return tuple(dict.fromkeys(whole))


def any_engine(paths: Paths, unit: Unit, preferred: Iterable[Engine] = ()) -> Optional[Engine]:
    """Return the engine that runs, or start the first one that starts; None if none does.

    Then the best candidate is selected and systemd goes on trying it.
    """
    running = unit.running()
    if running and unit.state().up:
        if engines.active(paths) is None:
            engines.select(paths, running)
        return running
    choice = candidates(paths, preferred)
    for engine in choice:
        if _starts(paths, unit, engine):
            return engine
    if choice:
        _select(paths, choice[0])
        unit.try_again()
    return None


def remove_strays(paths: Paths) -> None:
    """Remove the temporary links that a crash left beside the selector."""
    for path in paths.selector.parent.iterdir():
        if _STRAY.fullmatch(path.name):
            path.unlink()


def _starts(paths: Paths, unit: Unit, engine: Engine) -> bool:
    try:
        _select(paths, engine)
        unit.forget_failures()
        unit.start(_START_SECONDS)
    except SwitchroomError:
        return False
    return True


def _select(paths: Paths, engine: Engine) -> None:
    if engines.active(paths) != engine:
        engines.select(paths, engine)
