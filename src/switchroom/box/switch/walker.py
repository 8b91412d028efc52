"""Walks a transaction from where its journal stands to its end; knows no effects, only their order.

The order of things for each step: intent record, the work, done record. A process that dies anywhere comes
back here, reads the journal, and runs a step again that has no done record.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Protocol, Sequence, Tuple

from switchroom.box.switch.journal import Journal, Kind, Record
from switchroom.box.switch.story import Story, Way, tell
from switchroom.core.errors import SwitchroomError
from switchroom.core.timelimit import limited

MAX_ATTEMPTS = 5

# From here on the old engine may be stopped: what fails is rolled back.
_NO_RETURN = ("stop", "flip", "start", "health")


class Cancelled(SwitchroomError):  # noqa: N818 - an end that was wished for
    """Somebody asked to end the switch before it stopped anything."""


class Stopping(Exception):  # noqa: N818 - not an error: the machine goes down, the next boot goes on
    """The machine is shutting down, so nothing that fails now says anything about an engine."""


@dataclass(frozen=True)
class Attempt:
    """What a step is told: the story, whether it was begun before, the data of its first intent."""

    story: Story
    again: bool
    intent: Mapping[str, Any]


class Step(Protocol):
    """One step of a way."""

    @property
    def name(self) -> str:
        """Its name in the journal."""

    def probe(self) -> bool:
        """Return whether its work is done already, so that ``do`` has nothing to add."""

    def intent(self) -> Mapping[str, Any]:
        """Return what must be remembered from its first attempt."""

    def do(self, attempt: Attempt) -> Mapping[str, Any]:
        """Do the work, again if need be, and return figures to keep; raises when it cannot be done."""


class World(Protocol):
    """What the walker asks about the box."""

    def flipped(self) -> bool:
        """Return whether the selector names the target."""

    def cancelled(self) -> bool:
        """Return whether somebody asked to end the switch."""

    def stopping(self) -> bool:
        """Return whether the machine is shutting down."""

    def limit(self, step: str) -> float:
        """Return how many seconds a step may take."""

    def tell(self, step: str, state: str, text: str) -> None:
        """Show what a step does: ``state`` is ``begin``, ``done`` or ``failed``."""

    def decided(self, way: Way, reason: str) -> None:
        """Show that the transaction heads elsewhere."""

    def conclude(self, story: Story, records: Sequence[Record]) -> Mapping[str, Any]:
        """Return what the ``end`` record keeps."""


class Walker:
    """Carries the steps out, with the journal."""

    def __init__(self, journal: Journal, steps: Sequence[Step], world: World) -> None:
        self._journal, self._world = journal, world
        self._steps: Dict[str, Step] = {step.name: step for step in steps}

    def walk(self) -> Story:
        """Go on until the transaction has an ``end`` record; return the whole story."""
        story = self._come_back()
        while story.ended is None:
            self._move(story)
            story = self._story()
        return story

    def _story(self) -> Story:
        return tell(self._journal.records)

    def _come_back(self) -> Story:
        """Record that the worker runs, and settle what a reboot or too many attempts decide."""
        before = self._story()
        if before.ended:
            return before
        self._journal.append(Kind.ATTEMPT)
        if self._story().attempts > MAX_ATTEMPTS:
            self._fail(before, _exhausted(before))
        elif before.way is Way.FORWARD and before.boot != self._journal.boot:
            self._after_reboot(before)
        return self._story()

    def _after_reboot(self, story: Story) -> None:
        if not self._world.flipped():
            self._decide(Way.ABANDON, "the machine was restarted before the engine was changed")
        elif "flip" not in story.done:
            self._journal.append(Kind.DONE, "flip", found=True)

    def _move(self, story: Story) -> None:
        name = story.next_step
        if name is None:
            self._journal.append(Kind.END, **self._world.conclude(story, self._journal.records))
        elif story.way is Way.FORWARD and name not in _NO_RETURN[1:] and self._world.cancelled():
            self._decide(Way.ABANDON, "it was cancelled")
        else:
            self._step(story, self._steps[name])

    def _step(self, story: Story, step: Step) -> None:
        try:
            again = story.half_done(step.name)
            if not again:
                self._journal.append(Kind.INTENT, step.name, **step.intent())
            else:
                self._journal.append(Kind.INTENT, step.name, again=True)
            with limited(self._world.limit(step.name), f"The step '{step.name}'"):
                figures = self._work(step, again)
            self._journal.append(Kind.DONE, step.name, **figures)
        except Cancelled as error:
            self._decide(Way.ABANDON, error.message)
        except KeyboardInterrupt:
            # Stopped by hand: nobody would go on soon, so nothing may be left half way. A reboot goes on.
            if story.way is not Way.FORWARD or step.name in _NO_RETURN or self._world.stopping():
                raise
            self._decide(Way.ABANDON, "its service was stopped")
        except Exception as error:  # whatever is wrong, the way back is walked
            if self._world.stopping():
                raise Stopping from error
            self._fail(self._story(), error)

    def _work(self, step: Step, again: bool) -> Mapping[str, Any]:
        self._world.tell(step.name, "begin", "")
        if step.probe():
            self._world.tell(step.name, "done", "nothing to do")
            return {"found": True}
        story = self._story()
        figures = step.do(Attempt(story, again, story.begun[step.name].data))
        self._world.tell(step.name, "done", "")
        return figures

    def _fail(self, story: Story, error: Exception) -> None:
        reason, cause, hint = words(error)
        step = story.next_step or ""
        self._journal.append(Kind.FAILED, step, reason=reason, cause=cause, hint=hint)
        self._world.tell(step, "failed", reason)
        if story.way is Way.ATTENTION:  # there is no further way: say so and end
            self._journal.append(Kind.DONE, step, failed=reason)
            return
        self._decide(_after_failure(story.way, step), reason, cause=cause, hint=hint)

    def _decide(self, way: Way, reason: str, **evidence: str) -> None:
        self._journal.append(Kind.DECIDE, way=way.value, reason=reason, **evidence)
        self._world.decided(way, reason)


def _after_failure(way: Way, step: str) -> Way:
    if way is Way.FORWARD:
        return Way.BACK if step in _NO_RETURN else Way.FAIL
    if way is Way.ABANDON and step == "repair":
        return Way.FAIL
    return Way.ATTENTION


def words(error: BaseException) -> Tuple[str, str, str]:
    """Return message, evidence and hint of any error."""
    if isinstance(error, SwitchroomError):
        return error.message, error.cause, error.hint
    lines: List[str] = traceback.format_exception(type(error), error, error.__traceback__)
    return f"{type(error).__name__}: {error}", "".join(lines[-4:]), ""


def _exhausted(story: Story) -> SwitchroomError:
    return SwitchroomError(
        f"The step '{story.next_step}' was begun {MAX_ATTEMPTS} times and never came to its end.",
        hint="See what ended the worker: journalctl -u switchroom-resume",
    )
