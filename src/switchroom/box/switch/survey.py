"""A look at everything that a switch depends on; changes nothing and does not stop at the first finding."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Tuple

from switchroom.box import engines, modules, packages
from switchroom.box.console import Console
from switchroom.box.engines import Engine
from switchroom.box.health import judge
from switchroom.box.health.report import Report
from switchroom.box.packages import Offer, Resolution
from switchroom.box.paths import Paths
from switchroom.box.settings import Settings
from switchroom.box.switch import drain, preflight, status, unit
from switchroom.box.switch.preflight import Finding
from switchroom.box.switch.scanned import as_findings, look
from switchroom.catalog.convert import to_plain
from switchroom.catalog.model import Catalog
from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.progress import Reporter

_STOP_SECONDS = 1.0  # what a stop takes besides the start, with no calls left
_STARTED = ("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")


@dataclass(frozen=True)
class Wish:
    """What the admin asked for beside the target; times in seconds.

    ``local``: do without repositories where an installed engine allows it, as a rollback should.
    """

    drain_timeout: float
    health_timeout: float
    now: bool
    acknowledged: Tuple[str, ...]
    channel: Optional[str]
    local: bool = False


@dataclass(frozen=True)
class Box:
    """The box and what is known about it."""

    paths: Paths
    settings: Settings
    catalog: Catalog
    today: datetime.date
    console: Console


@dataclass(frozen=True)
class Survey:
    """All that is known before a switch.

    ``calls`` are those in progress, None where Asterisk does not tell; ``outage`` is the expected one in
    seconds, None where nothing like it was measured.
    """

    source: Engine
    target: Offer
    resolution: Optional[Resolution]
    findings: Tuple[Finding, ...]
    health: Report
    foreign: Tuple[modules.Foreign, ...]
    calls: Optional[int]
    maintenance: bool
    outage: Optional[float]

    def as_dict(self) -> Dict[str, object]:
        """Return it as what JSON knows."""
        return {
            "source": self.source.name,
            "target": self.target.engine.name,
            "packages": [to_plain(item) for item in self.resolution.packages] if self.resolution else None,
            "findings": [finding.as_dict() for finding in self.findings],
            "health": self.health.as_dict(),
            "calls": self.calls,
            "maintenance_mode": self.maintenance,
            "expected_outage_seconds": self.outage,
        }


def selected_engine(paths: Paths) -> Engine:
    """Return the selected engine; raises SwitchroomError (REFUSED) when there is none to come from."""
    active = engines.active(paths)
    if active is None:
        raise SwitchroomError(
            "No engine is selected on this box, so there is none to switch from.",
            hint="'systemctl start switchroom-recover' selects a whole one; 'switchroom status' shows it.",
            code=ExitCode.REFUSED,
        )
    return active


def survey(box: Box, wish: Wish, source: Engine, target: Offer, reporter: Reporter) -> Survey:
    """Return all that is known about going from ``source`` to ``target``."""
    with reporter.step("Looking at packages, configuration and health") as step:
        step.note("packages")
        resolution, unavailable = _resolved(source, target, wish)
        foreign = modules.foreign(box.paths, source)
        machine = [*_machine(box, resolution), *unavailable]
        step.note("configuration")
        scanned = look(box.paths, box.catalog, box.today, source, target.engine)
        step.note("health")
        health = judge.measure(box.paths, box.settings)
        found = [
            *machine,
            *preflight.missing_parts(resolution, foreign, target.series),
            *preflight.health(health),
            *preflight.foreign_modules(foreign, target.series),
            *as_findings(scanned),
        ]
        step.note(f"{len(found)} finding{'' if len(found) == 1 else 's'}")
    calls, maintenance = _calls(box.console), drain.has_maintenance(box.console)
    outage = expected_outage(box.paths)
    return Survey(source, target, resolution, tuple(found), health, foreign, calls, maintenance, outage)


def _resolved(source: Engine, target: Offer, wish: Wish) -> Tuple[Optional[Resolution], List[Finding]]:
    """Return the package transaction, or why there is none; an installed engine needs no repository."""
    extras = packages.extras_of(source)
    found: List[Finding] = []
    for offline in _ways(target, wish):
        try:
            return packages.resolve(target.engine, extras, wish.channel, offline=offline), []
        except SwitchroomError as error:
            found = found or [preflight.of_error("packages", error)]
    return None, found


def _ways(target: Offer, wish: Wish) -> Tuple[bool, ...]:
    """Return in which order to do without the repositories (True) and with them (False)."""
    if not target.installed:
        return (False,)
    return (True, False) if wish.local else (False, True)


def _machine(box: Box, resolution: Optional[Resolution]) -> Iterator[Finding]:
    paths, reserve = box.paths, box.settings.disk.reserve
    yield from preflight.systemd(paths)
    yield from preflight.alone(paths)
    yield from preflight.package_lock(packages.lock_holder(paths))
    if resolution:
        try:
            packages.require_space(paths, resolution, reserve)
        except SwitchroomError as error:
            yield preflight.of_error("disk", error)
    yield from preflight.dead_nameservers(paths)


def _calls(console: Console) -> Optional[int]:
    try:
        return drain.calls(console)
    except SwitchroomError:
        return None


def expected_outage(paths: Paths) -> Optional[float]:
    """Return the last outage measured on this box, else what the running engine's own start suggests."""
    last = status.read(paths).last
    if last and last.figures.outage_ms is not None:
        return last.figures.outage_ms / 1000
    return _start_seconds()


def _start_seconds() -> Optional[float]:
    """Return how long the running engine took from its start to fully booted, and a stop; None if unknown."""
    asked = ["systemctl", "show", unit.NAME, f"--property={','.join(_STARTED)}"]
    lines = process.run(asked, check=False).stdout.decode().splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    begin, end = (int(values.get(name) or 0) for name in _STARTED)
    return (end - begin) / 1e6 + _STOP_SECONDS if end > begin > 0 else None
