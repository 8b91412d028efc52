"""What is settled at boot before Asterisk starts: local, quick, and starts nothing.

The selector leads to a whole engine afterwards, whatever the last crash left; a box that goes down again and
again after a flip goes back to the engine from before it.
"""

from __future__ import annotations

from typing import Callable, Optional

from switchroom.box import engines
from switchroom.box.engines import Engine
from switchroom.box.paths import Paths
from switchroom.box.switch import journal, rescue
from switchroom.box.switch.journal import Journal, Kind
from switchroom.box.switch.story import Story, Way, tell
from switchroom.box.worker import locks, state
from switchroom.core.errors import SwitchroomError

MAX_BOOTS = 3

Say = Callable[[str], None]


def recover(paths: Paths, say: Say) -> None:
    """Settle selector and boot loops; what cannot be settled is told, and Asterisk starts all the same."""
    with locks.worker(paths, say):
        state.tidy(paths, say)
        rescue.remove_strays(paths)
        source = _source(paths, say)
        if engines.active(paths) is None:
            _select_whole(paths, source, say)


def _source(paths: Paths, say: Say) -> Optional[Engine]:
    """Return the old engine of the open transaction, if there is one, after settling a boot loop."""
    file = paths.transaction / journal.FILE
    if not file.exists():
        return None
    try:
        with Journal(file, journal.boot_id()) as log:
            return _settle(paths, log, say)
    except (SwitchroomError, OSError, LookupError) as error:
        say(f"The open transaction cannot be used: {error}")
        return None


def _settle(paths: Paths, log: Journal, say: Say) -> Engine:
    story = tell(log.records)
    source = story.plan.source.engine
    if story.ended:
        return source
    log.append(Kind.BOOT)
    story = tell(log.records)
    if _looping(story):
        reason = f"the machine went down {story.boots} times after the change"
        log.append(Kind.DECIDE, way=Way.BACK.value, reason=reason)
        story = tell(log.records)
        say(f"Rolling back: {reason}.")
    if story.way is Way.BACK and _whole(paths, source):
        engines.select(paths, source)
    return source


def _looping(story: Story) -> bool:
    return story.way is Way.FORWARD and story.boots >= MAX_BOOTS


def _whole(paths: Paths, engine: Engine) -> bool:
    return engines.startable(paths.from_box(str(engine.prefix)))


def _select_whole(paths: Paths, source: Optional[Engine], say: Say) -> None:
    choice = rescue.candidates(paths, [source] if source else [])
    if not choice:
        say("No engine is installed whole: Asterisk cannot start. Install one: dnf install asterisk22")
        return
    engines.select(paths, choice[0])
    say(f"The selector led nowhere; it selects Asterisk {choice[0].name} now.")
