"""Whether AMI answers, and how far: a login and a ping, or only its greeting."""

from __future__ import annotations

from typing import Tuple

from switchroom.box import ami
from switchroom.box.health.report import Verdict
from switchroom.box.paths import Paths
from switchroom.core.errors import SwitchroomError

OFF, GREETING, LOGIN = "", "greeting", "login"
_TIMEOUT = 3.0
_TRIES = 3  # accounts: one may be out of date, and refused logins are logged


def check(paths: Paths, needed: str = LOGIN) -> Verdict:
    """Judge AMI; ``needed`` is the level of the baseline, ``login`` where there is none."""
    interface = ami.configured(paths)
    if interface.off:
        return Verdict(False, interface.off, required=False)
    level, evidence = _reach(interface)
    ok = level == LOGIN or (level == GREETING and (needed != LOGIN or not interface.accounts))
    return Verdict(ok, evidence)


def level(paths: Paths) -> str:
    """Return how far AMI answers now: ``login``, ``greeting`` or empty."""
    try:
        interface = ami.configured(paths)
        return OFF if interface.off else _reach(interface)[0]
    except (SwitchroomError, OSError):
        return OFF


def _reach(interface: ami.Interface) -> Tuple[str, str]:
    """Return the level reached and its evidence; raises when not even the greeting comes."""
    where = f"{interface.host}:{interface.port}"
    if not interface.accounts:
        with ami.connected(interface, _TIMEOUT) as client:
            return GREETING, f"greeting '{client.greeting()}' on {where}; no user of manager.conf may log in"
    refused = ""
    for account in interface.accounts[:_TRIES]:
        with ami.connected(interface, _TIMEOUT) as client:
            client.greeting()
            try:
                client.login(account)
            except SwitchroomError as error:
                refused = error.message
                continue
            client.ping()
            return LOGIN, f"'{account.name}' logged in on {where}, ping answered"
    return GREETING, f"{refused} (on {where})"
