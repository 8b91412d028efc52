"""The worker: begins the plan that was submitted, or goes on where a crash left it, to the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from typing import Any, Callable, Mapping, Optional, Sequence

from switchroom.box.console import Console
from switchroom.box.paths import Paths
from switchroom.box.settings import Settings, load_settings
from switchroom.box.switch import cancel, journal, rescue, summary
from switchroom.box.switch.changing import Changing, baseline_of
from switchroom.box.switch.ending import Ending
from switchroom.box.switch.events import Events
from switchroom.box.switch.guard import Guard
from switchroom.box.switch.journal import Journal, Record
from switchroom.box.switch.outage import Watch
from switchroom.box.switch.outcome import Outcome
from switchroom.box.switch.plan import Plan, submitted
from switchroom.box.switch.preparing import Preparing
from switchroom.box.switch.scene import Scene
from switchroom.box.switch.story import HEADINGS, PHASES, Story, Way, tell
from switchroom.box.switch.unit import Unit, shutting_down
from switchroom.box.switch.walker import Stopping, Walker
from switchroom.box.worker import locks, state
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import fsync_dir, staging

_STAGING = ".begin-"

Say = Callable[[str], None]


def run(paths: Paths, say: Say) -> Optional[Outcome]:
    """Carry the open or the submitted transaction to its end and return that; None when there is none.

    None too when the machine goes down meanwhile: the next boot goes on. ``say`` gets one plain line a piece
    of news. Whatever fails here, the last thing tried is that some whole engine runs. Raises SwitchroomError
    (code ATTENTION) when the journal itself cannot be read or written, and with code REFUSED when another
    worker is at it, and never else.
    """
    with locks.worker(paths, say):
        try:
            if not _open(paths, say):
                return None
            with Journal(paths.transaction / journal.FILE, journal.boot_id()) as log:
                return _finish(paths, _walk(paths, log, say), say)
        except Stopping:
            say("The machine is shutting down; the next boot goes on.")
            return None
        except Exception as error:
            with contextlib.suppress(SwitchroomError, OSError):
                rescue.any_engine(paths, Unit())
            if isinstance(error, SwitchroomError) and error.code is ExitCode.REFUSED:
                error.code = ExitCode.ATTENTION
            raise


def _open(paths: Paths, say: Say) -> bool:
    """Return whether a transaction is open, after beginning the submitted one if none was."""
    state.tidy(paths, say)
    for dead in paths.state.glob(f"{_STAGING}*"):
        shutil.rmtree(dead)
    rescue.remove_strays(paths)
    if not paths.transaction.exists():
        plan = submitted(paths)
        if plan is None:
            return False
        _begin(paths, plan)
    paths.plan.unlink(missing_ok=True)
    return True


def _begin(paths: Paths, plan: Plan) -> None:
    """Make the transaction's folder, whole or not at all."""
    with staging(paths.state, _STAGING) as stage:
        folder = stage / "transaction"
        folder.mkdir()
        journal.create(folder, plan.as_dict(), journal.boot_id())
        os.rename(folder, paths.transaction)
        fsync_dir(paths.state)


def _walk(paths: Paths, log: Journal, say: Say) -> Story:
    story = tell(log.records)
    settings = load_settings(paths)
    with contextlib.closing(Events(paths.transaction, say)) as events:
        scene = _scene(paths, settings, story.plan, events)
        steps = [*Preparing(scene).steps(), *Changing(scene).steps(), *Ending(scene).steps()]
        try:
            return Walker(log, steps, _Box(scene)).walk()
        finally:
            scene.watch.end()
            scene.guard.release()


def _scene(paths: Paths, settings: Settings, plan: Plan, events: Events) -> Scene:
    before = baseline_of(plan)
    return Scene(
        paths=paths,
        plan=plan,
        settings=settings,
        events=events,
        unit=Unit(),
        console=Console(),
        watch=Watch(before.probe_address if before else None),
        guard=Guard(paths, events.note),
    )


def _finish(paths: Paths, story: Story, say: Say) -> Outcome:
    """Tell the end, and put the transaction's folder away; done again after a crash in between."""
    assert story.ended  # noqa: S101 - the walker returns no other story
    result = Outcome.from_dict(story.ended.data)
    with contextlib.closing(Events(paths.transaction, say)) as events:
        events.end(dict(result.as_dict()), result.sentence)
    shutil.rmtree(paths.packages, ignore_errors=True)
    cancel.forget(paths)
    paths.history.mkdir(exist_ok=True)
    os.rename(paths.transaction, paths.history / result.id)
    fsync_dir(paths.history)
    fsync_dir(paths.state)
    return result


class _Box:
    """The walker's view of a scene."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._begun = time.monotonic()

    def flipped(self) -> bool:
        """Return whether the selector names the target."""
        return self._scene.selected(self._scene.target)

    def cancelled(self) -> bool:
        """Return whether somebody asked to end the switch."""
        return cancel.requested(self._scene.paths, self._scene.plan.id)

    def stopping(self) -> bool:
        """Return whether the machine is shutting down."""
        return shutting_down()

    def limit(self, step: str) -> float:
        """Return how many seconds a step may take: what the tool allows, and what plan and settings give."""
        return self._scene.limit(step)

    def tell(self, step: str, state: str, text: str) -> None:
        """Show what a step does."""
        if state == "begin":
            self._begun = time.monotonic()
            self._scene.events.step(step, state, PHASES[step])
        else:
            seconds = round(time.monotonic() - self._begun, 2)
            self._scene.events.step(step, state, text, seconds=seconds)

    def decided(self, way: Way, reason: str) -> None:
        """Show that the transaction heads elsewhere."""
        self._scene.events.note(f"{HEADINGS[way]}: {reason}")

    def conclude(self, story: Story, records: Sequence[Record]) -> Mapping[str, Any]:
        """Return what the ``end`` record keeps."""
        return summary.outcome(story, records).as_dict()
