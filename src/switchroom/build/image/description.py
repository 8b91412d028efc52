"""What a kickstart says of the new system, as pykickstart reads it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Tuple

from pykickstart.constants import KS_SCRIPT_POST, SELINUX_ENFORCING
from pykickstart.errors import KickstartWarning
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion

from switchroom.build.kickstart.check import asked
from switchroom.build.kickstart.defaults import load_defaults


@dataclass(frozen=True)
class Script:
    """A ``%post`` script that runs in the new system; ``log`` is a path there."""

    text: str
    interpreter: str
    log: str


@dataclass(frozen=True)
class Description:
    """A system: ``packages`` as dnf takes them, groups with ``@``; no ``password_hash``: root is locked."""

    packages: Tuple[str, ...]
    scripts: Tuple[Script, ...]
    lang: str
    keyboard: str
    timezone: str
    hostname: str
    services: Tuple[str, ...]
    firewall_services: Tuple[str, ...]
    enforcing: bool
    password_hash: str
    ssh_keys: Tuple[str, ...]


def read(kickstart: str, el: int) -> Description:
    """Return what a kickstart that was checked says.

    Scripts outside the new system are left out: they deal with what Anaconda has mounted.
    """
    handler: Any = makeVersion(load_defaults().major(el).syntax)
    with warnings.catch_warnings():  # the check has told those that count
        warnings.simplefilter("ignore", KickstartWarning)
        KickstartParser(handler, followIncludes=False).readKickstartFromString(kickstart)
    scripts = [one for one in handler.scripts if one.type == KS_SCRIPT_POST and one.inChroot]
    return Description(
        packages=tuple(asked(handler)),
        scripts=tuple(Script(one.script, one.interp, one.logfile) for one in scripts),
        lang=handler.lang.lang,
        keyboard=handler.keyboard.x_layouts[0],
        timezone=handler.timezone.timezone,
        hostname=handler.network.hostname,
        services=tuple(handler.services.enabled),
        firewall_services=tuple(handler.firewall.services),
        enforcing=handler.selinux.selinux == SELINUX_ENFORCING,
        password_hash="" if handler.rootpw.lock else handler.rootpw.password,
        ssh_keys=tuple(one.key for one in handler.sshkey.sshUserList),
    )
