"""The whole of a first boot: repair what a crash left, apply the playbook, prove dial tone, say so."""

from __future__ import annotations

import contextlib
import time

from switchroom.box import engines
from switchroom.box.firstboot import attempts, repositories, screen
from switchroom.box.firstboot.places import Places
from switchroom.box.firstboot.playbook import Run
from switchroom.box.firstboot.repair import repair
from switchroom.box.health import judge
from switchroom.box.health.report import Report
from switchroom.box.packages import sync
from switchroom.box.settings import load_settings
from switchroom.box.worker import state
from switchroom.core import lock
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.progress import Reporter

_HEALTH_SECONDS = 180.0


def run(places: Places, unattended: bool) -> bool:
    """Do the first boot if it is still to be done; return whether it was.

    Raises SwitchroomError: FAILED where another attempt may help, ATTENTION where a person is needed,
    REFUSED where somebody is at it already. However it ends, the login screen says so.
    """
    state.own(places.paths, print)
    with lock.exclusive(places.lock, what="the first boot", wait=0):
        if not places.due.exists():
            return False
        try:
            report = _attempt(places, unattended)
        except SwitchroomError as error:
            if error.code is ExitCode.FAILED and unattended and attempts.last(places):
                error.code = ExitCode.ATTENTION
            screen.show(places, _trouble(places, error, unattended))
            raise
        _show(places, report)
    return True


def show_ready(places: Places) -> None:
    """Put on the login screen what runs now and whether it has dial tone."""
    _show(places, _judged(places))


def _judged(places: Places) -> Report:
    return judge.wait(places.paths, load_settings(places.paths), None, None, _HEALTH_SECONDS)


def _show(places: Places, report: Report) -> None:
    engine = engines.active(places.paths)
    name = f"Asterisk {engine.version}" if engine else "no Asterisk"
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    if report.healthy:
        screen.show(places, [f"State:    ready, {name} has dial tone ({when})"])
    else:
        missing = ", ".join(check.name for check in report.failed)
        screen.show(
            places, [f"State:    {name}, not healthy: {missing} ({when})", "Type:     switchroom status"]
        )


def _attempt(places: Places, unattended: bool) -> Report:
    torn = attempts.begin(places, unattended)
    reporter = Reporter(screen.Consoles(places) if unattended else None)  # type: ignore[arg-type]
    repositories.use(places)
    if torn:  # if this fails, the next attempt finds the same
        _repair(places, reporter)
    try:
        report = _apply(places, reporter)
    except SwitchroomError:
        attempts.ended(places)
        raise
    attempts.done(places)
    reporter.say("This box is a PBX: the first boot is done.")
    return report


def _repair(places: Places, reporter: Reporter) -> None:
    screen.show(places, _progress("repairing what an interruption left"))
    with reporter.step("Repairing packages") as step:
        step.note(f"{repair(places)} installed again")


def _apply(places: Places, reporter: Reporter) -> Report:
    with _Steps(places, reporter) as steps:
        Run(places, steps.begin).go()
        steps.begin_last()
        return _prove(places)


class _Steps:
    """Shows one step at a time; the one that is open when an error comes is the one that failed."""

    def __init__(self, places: Places, reporter: Reporter) -> None:
        self._places, self._reporter = places, reporter
        self._open = contextlib.ExitStack()
        self._total = 1

    def __enter__(self) -> _Steps:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.__exit__(*error)  # type: ignore[arg-type]

    def begin(self, number: int, total: int, name: str) -> None:
        """Close the step before and open one of the playbook's."""
        self._total = total + 1
        self._show(number, name)

    def begin_last(self) -> None:
        """Close the playbook's last step and open the one after it."""
        self._show(self._total, "dial tone")

    def _show(self, number: int, name: str) -> None:
        self._open.close()
        sync(self._places.paths)  # a power cut takes no more than the step it comes in
        screen.show(self._places, _progress(f"step {number} of {self._total} ({name})"))
        self._open.enter_context(self._reporter.step(f"[{number}/{self._total}] {name}"))


def _prove(places: Places) -> Report:
    report = _judged(places)
    if not report.healthy:
        raise SwitchroomError(
            "Everything was applied, and this box has no dial tone.",
            cause="\n".join(f"{check.name}: {check.evidence}" for check in report.failed),
            hint="Look with: switchroom health; journalctl -u asterisk.service",
        )
    return report


def _progress(what: str) -> list[str]:
    return [f"State:    being set up, {what}; do not switch it off"]


def _trouble(places: Places, error: SwitchroomError, unattended: bool) -> list[str]:
    lines = [f"State:    needs attention: {error.message}"]
    if unattended and error.code is ExitCode.FAILED:
        return [*lines, f"          It is tried again in some seconds; '{places.log}' tells more."]
    return [*lines, f"Type:     less {places.log}", f"          When it is mended: {attempts.AGAIN}"]
