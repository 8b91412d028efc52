"""From a survey to a plan that the worker carries out; nothing of the running engine is touched here."""

from __future__ import annotations

import os
import pwd
import secrets
from typing import Any, Dict, Optional, Sequence, Tuple

from switchroom.box import packages
from switchroom.box.engines import Engine
from switchroom.box.health import judge
from switchroom.box.packages import Kept
from switchroom.box.paths import Paths
from switchroom.box.switch import journal, preflight
from switchroom.box.switch.plan import EngineName, KeptPackage, Plan, submit
from switchroom.box.switch.scanned import as_findings, look
from switchroom.box.switch.survey import Box, Survey, Wish, selected_engine
from switchroom.box.worker import locks
from switchroom.catalog.convert import to_plain
from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.progress import Reporter

WORKER = "switchroom-resume.service"
_START_SECONDS = 30.0


def hand_over(box: Box, wish: Wish, known: Survey, command: Sequence[str], reporter: Reporter) -> Plan:
    """Fetch and check the packages, submit the plan and start the worker; return the plan.

    ``command`` is the command line, for the journal. Raises SwitchroomError (REFUSED) with nothing changed
    when somebody else was faster, when a package cannot be had or trusted, or when the packages themselves
    show a loss that the catalog did not tell of.
    """
    with locks.client(box.paths, reporter.warn):
        _refuse_changed(box.paths, known)
        kept = _fetched(box.paths, known, reporter)
        packages.rehearse(kept)
        target, files = known.target.engine, [one.path for one in kept]
        scanned = look(box.paths, box.catalog, box.today, known.source, target, files=files)
        refuse(as_findings(scanned), wish, target)
        plan = _plan(box, wish, known, kept, command)
        submit(box.paths, plan)
        try:
            begin()
        except SwitchroomError:
            box.paths.plan.unlink(missing_ok=True)  # nobody may begin it later, when nobody expects it
            raise
    return plan


def begin() -> None:
    """Start the worker, or see that it runs; it goes on without us."""
    process.run(["systemctl", "start", WORKER], what=f"Starting '{WORKER}'", timeout=_START_SECONDS)


def refuse(findings: Sequence[preflight.Finding], wish: Wish, target: Engine) -> None:
    """Raise SwitchroomError (REFUSED) if a finding stops the switch to ``target``."""
    stopping = preflight.refusals(findings, wish.acknowledged)
    if stopping:
        count = f"{len(stopping)} finding{'s' if len(stopping) > 1 else ''}"
        raise SwitchroomError(
            f"The switch to Asterisk '{target.name}' is refused because of {count}; nothing was changed.",
            cause="\n".join(f"{one.key}: {one.message} {one.hint}".rstrip() for one in stopping),
            hint=_way_out(stopping),
            code=ExitCode.REFUSED,
        )


def _way_out(stopping: Sequence[preflight.Finding]) -> str:
    waivable = [one.key for one in stopping if one.waivable]
    if not waivable:
        return "Cure what is named, then run the same command again."
    return f"Cure what is named, or accept what you can live with: --acknowledge {waivable[0]}"


def _refuse_changed(paths: Paths, known: Survey) -> None:
    """Look once more, now that nobody else prepares a switch."""
    busy = list(preflight.alone(paths))
    if busy or selected_engine(paths) != known.source:
        raise SwitchroomError(
            busy[0].message if busy else "Another switch has changed the engine in the meantime.",
            hint="Look at it with 'switchroom status', then run the same command again.",
            code=ExitCode.REFUSED,
        )


def _fetched(paths: Paths, known: Survey, reporter: Reporter) -> Tuple[Kept, ...]:
    if known.resolution is None:
        raise ValueError("a survey without a resolution is refused before")
    return packages.fetch(known.resolution, paths.packages, reporter)


def _plan(box: Box, wish: Wish, known: Survey, kept: Sequence[Kept], command: Sequence[str]) -> Plan:
    now = journal.now()
    target = known.target.engine
    return Plan(
        id=f"{now[:19].translate(str.maketrans('', '', '-:'))}-{secrets.token_hex(2)}",
        created=now,
        by=os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name,
        command=tuple(command),
        source=EngineName.of(known.source),
        target=EngineName.of(target),
        packages=tuple(KeptPackage(str(one.path), one.nevra, one.sha256) for one in kept),
        drain_timeout=wish.drain_timeout,
        now=wish.now,
        health_timeout=wish.health_timeout,
        baseline=_baseline(box, known),
        acknowledged=wish.acknowledged,
        carry=tuple(to_plain(module) for module in known.foreign),
    )


def _baseline(box: Box, known: Survey) -> Optional[Dict[str, Any]]:
    """Return what works now; None where Asterisk does not even answer, so that the target is judged alone."""
    ill = [check.name for check in known.health.failed]
    try:
        return judge.capture(box.paths, box.settings, ill).as_dict()
    except SwitchroomError:
        return None
