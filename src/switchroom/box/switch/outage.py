"""How long callers found nobody: a SIP probe from just before the stop until the engine answers."""

from __future__ import annotations

import time
from typing import Dict, Optional, Tuple

from switchroom.box.sip import Probe

Address = Tuple[str, int]


class Watch:
    """Asks ``address`` (host, UDP port) for the whole outage; does nothing without one."""

    def __init__(self, address: Optional[Address]) -> None:
        self._address = address
        self._probe: Optional[Probe] = None

    def begin(self) -> None:
        """Start to ask; does nothing when it has started."""
        if self._probe is None and self._address:
            self._probe = Probe(*self._address)
            self._probe.start()

    def end(self) -> Dict[str, float]:
        """Stop asking; return ``outage_ms`` and ``answering`` (unix time), or nothing if nobody answered."""
        probe, self._probe = self._probe, None
        if probe is None:
            return {}
        outages = probe.outages()
        probe.stop()
        if not probe.answers or not outages:
            return {}
        start, end = max(outages, key=lambda span: span[1] - span[0])
        return {"outage_ms": round((end - start) * 1000), "answering": time.time() - (time.monotonic() - end)}
