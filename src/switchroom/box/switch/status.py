"""Where a box stands, told from what is on its disk and what runs; never changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, Optional, Tuple

from switchroom.box import engines
from switchroom.box.paths import Paths
from switchroom.box.switch import journal
from switchroom.box.switch.journal import Kind
from switchroom.box.switch.outcome import Outcome
from switchroom.box.switch.plan import submitted
from switchroom.box.switch.story import HEADINGS, PHASES, Story, Way, tell
from switchroom.box.switch.unit import Unit
from switchroom.box.worker import locks, state
from switchroom.catalog.convert import to_plain
from switchroom.core.errors import SwitchroomError

WORKER = "switchroom-resume.service"
RESUME = f"systemctl start {WORKER}"


@dataclass(frozen=True)
class Open:
    """The transaction that has not ended.

    ``way`` is where it heads, ``step`` the one it stands at (None: only the end is left), ``begun`` whether
    that step was begun, ``attempts`` the worker's starts since the last progress, ``working`` whether a
    worker runs, ``phase`` and ``next`` the same in words. ``problem`` says why the journal cannot be read.
    """

    id: str
    source: str
    target: str
    since: str
    way: str
    step: Optional[str]
    begun: bool
    attempts: int
    working: bool
    phase: str
    next: str
    problem: str = ""


@dataclass(frozen=True)
class Status:
    """Engines by the last part of their prefix, as ``22.10.1-1``; ``service`` as systemd calls its state."""

    active: Optional[str]
    previous: Optional[str]
    installed: Tuple[str, ...]
    running: Optional[str]
    service: str
    transaction: Optional[Open]
    last: Optional[Outcome]

    def as_dict(self) -> Dict[str, Any]:
        """Return it as what JSON knows."""
        plain: Dict[str, Any] = to_plain(self)
        plain["last"] = dict(self.last.as_dict()) if self.last else None
        return plain


def read(paths: Paths) -> Status:
    """Return where the box stands."""
    active, previous = engines.active(paths), engines.previous(paths)
    running, service = _service()
    return Status(
        active=active.name if active else None,
        previous=previous.name if previous else None,
        installed=tuple(engine.name for engine in engines.installed(paths)),
        running=running,
        service=service,
        transaction=_open(paths),
        last=_last(paths.history),
    )


def _service() -> Tuple[Optional[str], str]:
    try:
        unit = Unit()
        state, engine = unit.state(), unit.running()
    except SwitchroomError:
        return None, "unknown"
    return (engine.name if engine else None), state.active


def _open(paths: Paths) -> Optional[Open]:
    reason = state.no_transaction(paths)
    if reason:
        return _unreadable(paths, f"{reason}; set it aside with: {RESUME}")
    try:
        records = journal.read(paths.transaction / journal.FILE)
        return _told(tell(records), records[0].time, working(paths))
    except FileNotFoundError:
        return _waiting(paths)
    except (SwitchroomError, LookupError, TypeError, ValueError) as error:
        return _unreadable(paths, str(error))


def _told(story: Story, since: str, at_work: bool) -> Open:
    step = story.next_step
    ended = story.ended is not None
    return Open(
        id=story.plan.id,
        source=story.plan.source.version,
        target=story.plan.target.version,
        since=since,
        way=story.way.value,
        step=None if ended else step,
        begun=step in story.begun,
        attempts=story.attempts,
        working=at_work,
        phase="ended, being put away" if ended else _phase(story, step),
        next=_next(story, at_work),
    )


def _phase(story: Story, step: Optional[str]) -> str:
    words = PHASES[step] if step else "all steps done, about to end"
    return words if story.way is Way.FORWARD else f"{HEADINGS[story.way].lower()}: {words}"


def _next(story: Story, at_work: bool) -> str:
    if at_work:
        return "It goes on by itself."
    if story.boot != journal.boot_id() and story.way is Way.FORWARD and "flip" not in story.done:
        return f"The machine was restarted: it ends without a change once '{RESUME}' runs."
    return f"No worker runs. Go on with: {RESUME}"


def _waiting(paths: Paths) -> Optional[Open]:
    """Return the plan that was submitted and not begun."""
    plan = submitted(paths)
    if plan is None:
        return None
    at_work = working(paths)
    return Open(
        plan.id,
        plan.source.version,
        plan.target.version,
        plan.created,
        Way.FORWARD.value,
        "packages",
        begun=False,
        attempts=0,
        working=at_work,
        phase="submitted; nothing was changed yet",
        next="It goes on by itself." if at_work else f"Begin it with: {RESUME}",
    )


def _unreadable(paths: Paths, problem: str) -> Open:
    return Open(
        "", "", "", "", "", None, False, 0, working(paths), "cannot be told", "Needs attention.", problem
    )


def working(paths: Paths) -> bool:
    """Return whether a worker runs, or is about to: one that was killed is started again by systemd.

    A worker that waits for a lock which somebody else holds does not work.
    """
    if locks.taken(paths):
        return locks.at_work(paths)
    try:
        return Unit(WORKER).state().active in ("active", "activating")
    except SwitchroomError:
        return False


def _last(history: Path) -> Optional[Outcome]:
    """Return how the transaction ended that ended last."""
    ends = sorted(filter(None, map(_end, _folders(history))), key=lambda end: end[0])
    return ends[-1][1] if ends else None


def _folders(history: Path) -> Iterable[Path]:
    return history.iterdir() if history.is_dir() else ()


def _end(folder: Path) -> Optional[Tuple[str, Outcome]]:
    try:
        record = journal.read(folder / journal.FILE)[-1]
        return (record.time, Outcome.from_dict(record.data)) if record.kind is Kind.END else None
    except (OSError, SwitchroomError, LookupError, TypeError, ValueError):
        return None
