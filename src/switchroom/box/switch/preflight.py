"""What speaks against a switch, found before anything is changed; no finding keeps another one back."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Dict, Iterable, Iterator, List, Mapping, Optional

from switchroom.box import nameservers
from switchroom.box.health.report import Report
from switchroom.box.modules import Foreign
from switchroom.box.packages import Resolution
from switchroom.box.paths import Paths
from switchroom.box.worker import state
from switchroom.core.errors import ExitCode, SwitchroomError

BLOCKING, WARNING, INFO = "blocking", "warning", "info"


@dataclass(frozen=True)
class Finding:
    """One thing an admin should know; a ``waivable`` one stops the switch until its key is acknowledged.

    ``detail`` is what programs get beside it: the place in the configuration, for example.
    """

    key: str
    severity: str
    message: str
    hint: str = ""
    waivable: bool = False
    detail: Mapping[str, object] = field(default_factory=dict)

    def as_dict(self) -> Dict[str, object]:
        """Return the finding as plain data."""
        own = {name: value for name, value in vars(self).items() if name != "detail"}
        return {**self.detail, **own}


def require_root() -> None:
    """Raise SwitchroomError (REFUSED) for anybody but root, who could not even look at everything."""
    if os.geteuid() != 0:
        raise SwitchroomError(
            "Only root may switch Asterisk; nothing was changed.",
            hint="Run the same command with sudo.",
            code=ExitCode.REFUSED,
        )


def systemd(paths: Paths) -> Iterator[Finding]:
    """Find a machine that systemd does not run: nothing would start Asterisk again."""
    if not (paths.root / "run/systemd/system").is_dir():
        yield Finding(
            "systemd",
            BLOCKING,
            "systemd does not run here, so nothing would start Asterisk again.",
            "Run the switch on the booted box itself, not in a container or a chroot.",
        )


def alone(paths: Paths) -> Iterator[Finding]:
    """Find a switch that is not finished: there is one at a time."""
    open_switch = paths.transaction.exists() and not state.no_transaction(paths)
    if open_switch or paths.plan.exists():
        yield Finding(
            "busy",
            BLOCKING,
            "Another switch is not finished yet.",
            "Look at it with 'switchroom status', or follow it with 'switchroom status --follow'.",
        )


def package_lock(holder: Optional[str]) -> Iterator[Finding]:
    """Find who else works on the box's packages now: ``holder``, if anybody."""
    if holder:
        yield Finding(
            "package-lock",
            BLOCKING,
            f"The package database is locked by {holder}.",
            "Wait until it is done, then run the same command again.",
        )


def of_error(key: str, error: SwitchroomError) -> Finding:
    """Return the finding that an error of another part amounts to."""
    evidence = f" ({error.cause.splitlines()[-1].strip()})" if error.cause else ""
    return Finding(key, BLOCKING, f"{error.message}{evidence}", error.hint)


def health(report: Report) -> Iterator[Finding]:
    """Find a box that is ill already: it would be ill afterwards too, unless the switch is the cure."""
    if not report.healthy:
        ill = "; ".join(f"{check.name}: {check.evidence}" for check in report.failed)
        yield Finding(
            "health",
            BLOCKING,
            f"The box is not healthy now, so a switch could not tell whether it went well: {ill}.",
            "Cure that first ('switchroom health' shows it).",
            waivable=True,
        )


def dead_nameservers(paths: Paths) -> Iterator[Finding]:
    """Find nameservers that do not answer; the 11 s were measured in the lab, with one."""
    for address in nameservers.listed(paths.root / "etc/resolv.conf"):
        if nameservers.silent(address):
            yield Finding(
                f"nameserver:{address}",
                WARNING,
                f"The nameserver '{address}' does not answer: "
                "every start of Asterisk takes about 11 s longer.",
                "Take it out of /etc/resolv.conf.",
            )


def foreign_modules(found: Iterable[Foreign], series: str) -> Iterator[Finding]:
    """Tell of third parties' modules, which no package of the engine brought, before a move to ``series``."""
    for module in found:
        origin = f"of the package '{module.owner}'" if module.owner else "of no package"
        fits = module.series == series
        fate = "is carried over if its build options fit" if fits else f"cannot go along to series '{series}'"
        yield Finding(
            f"module:{module.name}",
            INFO if fits else WARNING,
            f"The module '{module.name}' {origin} was built for series '{module.series}': it {fate}.",
            "" if fits else "Ask who made it for one that is built for that series.",
        )


def missing_parts(
    resolution: Optional[Resolution], found: Iterable[Foreign], series: str
) -> Iterator[Finding]:
    """Tell of module packages that the running engine has and the target does not.

    What ``found`` are the modules of is carried over within a ``series``, see ``foreign_modules``.
    """
    carried = {(one.owner or "").partition("-")[2] for one in found if one.series == series}
    for part in resolution.missing if resolution else ():
        own = part.partition("-")[2] not in carried
        yield Finding(
            f"part:{part}",
            WARNING if own else INFO,
            f"There is no package '{part}' of the target, as the running engine has one.",
            "What it brings will be missing until somebody builds it."
            if own
            else "Its modules are carried over.",
        )


def refusals(findings: Iterable[Finding], acknowledged: Iterable[str]) -> List[Finding]:
    """Return the findings that stop the switch: the blocking ones that nobody may or did acknowledge."""
    known = set(acknowledged)
    return [
        finding
        for finding in findings
        if finding.severity == BLOCKING and not (finding.waivable and finding.key in known)
    ]
