"""What worked on a box before something changed: plain data to compare with afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from switchroom.box.console import Console
from switchroom.box.health import call, manager, standing, transports
from switchroom.box.health.report import timed
from switchroom.box.health.transports import Transport
from switchroom.box.paths import Paths
from switchroom.box.settings import Settings
from switchroom.catalog.convert import to_dataclass, to_plain


@dataclass(frozen=True)
class Baseline:
    """What answered, and who was reachable, by their names in Asterisk.

    ``ami`` is ``login``, ``greeting`` or empty. ``registrations`` are ours elsewhere, ``contacts`` phones,
    ``trunks`` peers with a fixed address: each a name to its state, ``reachable`` or ``pending``. Names begin
    with the driver's family: ``pjsip/``, ``sip/``, ``iax2/``. ``ill`` names the checks that failed already.
    """

    transports: Tuple[Transport, ...] = ()
    ami: str = ""
    call: bool = False
    registrations: Mapping[str, str] = field(default_factory=dict)
    contacts: Mapping[str, str] = field(default_factory=dict)
    trunks: Mapping[str, str] = field(default_factory=dict)
    ill: Tuple[str, ...] = ()

    @property
    def probe_address(self) -> Optional[Tuple[str, int]]:
        """Where a probe asks OPTIONS over UDP, or None when no UDP transport answered."""
        return next((one.address for one in self.transports if one.protocol == "udp"), None)

    def as_dict(self) -> Dict[str, Any]:
        """Return it as what JSON knows."""
        plain: Dict[str, Any] = to_plain(self)
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Baseline:
        """Return what ``as_dict`` gave."""
        return to_dataclass(cls, data)


def capture(
    paths: Paths, settings: Settings, console: Optional[Console] = None, *, ill: Sequence[str] = ()
) -> Baseline:
    """Return what works now; raises SwitchroomError when Asterisk does not answer its console.

    ``ill`` are the names of the checks that a look at the box has just failed.
    """
    console = console or Console()
    now = standing.read(console)
    called = timed("call", lambda: call.check(console, settings.health.call))
    return Baseline(
        transports=transports.answering(transports.read(console)),
        ami=manager.level(paths),
        call=called.ok,
        registrations=_there(now.registrations),
        contacts=_there(now.contacts),
        trunks=_there(now.trunks),
        ill=tuple(ill),
    )


def _there(states: Mapping[str, str]) -> Dict[str, str]:
    return {name: state for name, state in sorted(states.items()) if state != standing.LOST}
