"""One look at the whole box, and waiting until it is well."""

from __future__ import annotations

import functools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Collection, Dict, Optional, Tuple

from switchroom.box.console import Console
from switchroom.box.engines import Engine, active
from switchroom.box.health import call, comeback, manager, running, site, standing, transports
from switchroom.box.health.baseline import Baseline
from switchroom.box.health.report import Check, Report, Verdict, timed
from switchroom.box.health.standing import Standing
from switchroom.box.paths import Paths
from switchroom.box.settings import Settings

COMEBACK = ("registrations", "contacts", "trunks")  # what returns in its own time
_Test = Callable[[], Verdict]
_LOCAL = ("ami", "sip", "call")
_DRIVERS = {"sip": "chan_sip.so", "iax2": "chan_iax2.so"}  # PJSIP is what an engine must have
_WORKERS = 8
_FIRST_SLEEP, _LONGEST_SLEEP = 0.1, 1.0


@dataclass(frozen=True)
class _Look:
    """What one look at the box is given."""

    paths: Paths
    settings: Settings
    baseline: Optional[Baseline]
    lacking: Collection[str]
    console: Console


def measure(
    paths: Paths,
    settings: Settings,
    baseline: Optional[Baseline] = None,
    expect: Optional[Engine] = None,
    *,
    console: Optional[Console] = None,
) -> Report:
    """Look once at everything that dial tone is.

    Without a ``baseline`` all that is configured must answer. ``expect`` is the engine that must run, by
    default the selected one. What the baseline holds of a channel driver that this engine does not have
    (chan_sip is gone since Asterisk 21) is not judged, and the evidence says so. A check that failed in the
    baseline already does not count, except that Asterisk must run.
    """
    begin = time.monotonic()
    lacking = _lacking(paths, expect or active(paths))
    look = _Look(paths, settings, baseline, lacking, console or Console())
    alive = (
        timed("process", lambda: running.check_process(paths, expect)),
        timed("booted", lambda: running.check_booted(look.console)),
    )
    rest = (*_confined(paths), *_the_rest(look)) if alive[-1].ok else _not_tried(look)
    ill = baseline.ill if baseline else ()
    return Report((*alive, *(_as_before(check, ill) for check in rest)), round(time.monotonic() - begin, 3))


def _confined(paths: Paths) -> Tuple[Check, ...]:
    """Look at SELinux where the box has it; whatever comes of it, dial tone does not hang on it."""
    if not running.has_selinux(paths):
        return ()
    return (replace(timed("selinux", lambda: running.check_confined(paths)), required=False),)


def _as_before(check: Check, ill: Collection[str]) -> Check:
    if check.ok or check.name not in ill:
        return check
    return replace(check, required=False, evidence=f"{check.evidence} (failed before, too)")


def wait(
    paths: Paths,
    settings: Settings,
    baseline: Optional[Baseline],
    expect: Optional[Engine],
    seconds: float,
    *,
    tell: Callable[[Report], None] = lambda _report: None,
    console: Optional[Console] = None,
) -> Report:
    """Look again and again until the box is healthy or ``seconds`` are over; return the last report.

    Once nothing but registrations, contacts and trunks is missing, they get the settings' ``grace`` from then
    on, whatever is left of ``seconds``. ``tell`` is called with each report.
    """
    begin, sleep = time.monotonic(), _FIRST_SLEEP
    fine_since: Optional[float] = None
    while True:
        report = measure(paths, settings, baseline, expect, console=console)
        tell(report)
        now = time.monotonic()
        fine_since = (fine_since or now) if _only_comeback(report) else None
        limit = begin + seconds if fine_since is None else fine_since + settings.health.grace
        if report.healthy or now >= limit:
            return report
        time.sleep(min(sleep, limit - now))
        sleep = min(sleep * 1.5, _LONGEST_SLEEP)


def _only_comeback(report: Report) -> bool:
    return all(check.name in COMEBACK for check in report.failed)


def _lacking(paths: Paths, engine: Optional[Engine]) -> Tuple[str, ...]:
    """Return the families whose driver the engine does not have; one that only fails to load is a failure."""
    if engine is None:
        return ()
    modules = paths.from_box(str(engine.prefix)) / "modules"
    return tuple(family for family, driver in _DRIVERS.items() if not (modules / driver).exists())


def _not_tried(look: _Look) -> Tuple[Check, ...]:
    names = (*_LOCAL, *COMEBACK, *(_site_name(path) for path in site.found(look.paths.health_checks)))
    why = "not tried: Asterisk has not booted"
    return tuple(Check(name, False, 0.0, why, required=False) for name in names)


def _the_rest(look: _Look) -> Tuple[Check, ...]:
    """Make all checks that need a booted Asterisk at the same time; each has a time limit of its own."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        now = pool.submit(standing.read, look.console)
        tests = {**_local(look), **_comeback(look, now.result), **_site(look)}
        jobs = [pool.submit(timed, name, test) for name, test in tests.items()]
        return tuple(job.result() for job in jobs)


def _local(look: _Look) -> Dict[str, _Test]:
    base = look.baseline
    return {
        "ami": lambda: manager.check(look.paths, base.ami if base else manager.LOGIN),
        "sip": lambda: _sip(look),
        "call": lambda: call.check(look.console, look.settings.health.call, base.call if base else None),
    }


def _sip(look: _Look) -> Verdict:
    if look.baseline:
        return transports.check(look.console, look.baseline.transports, look.lacking)
    return transports.check(look.console, None, look.lacking, transports.configured(look.paths))


def _comeback(look: _Look, now: Callable[[], Standing]) -> Dict[str, _Test]:
    base, health = look.baseline, look.settings.health
    shares = dict(zip(COMEBACK, (health.registrations, health.contacts, health.registrations)))

    def test(what: str) -> Verdict:
        before = getattr(base, what) if base else None
        return comeback.judge(what, before, getattr(now(), what), shares[what], look.lacking)

    return {what: functools.partial(test, what) for what in COMEBACK}


def _site(look: _Look) -> Dict[str, _Test]:
    limit = look.settings.health.site_timeout
    return {
        _site_name(path): functools.partial(site.check, path, limit)
        for path in site.found(look.paths.health_checks)
    }


def _site_name(path: Path) -> str:
    return f"site:{path.name}"
