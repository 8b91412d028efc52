"""A real call from the host: answered, with sound both ways."""

from __future__ import annotations

from lab.boxes import Box
from support.calls import call
from switchroom.core.errors import SwitchroomError

_SECONDS = 2.0
_LEAST_PACKETS = 10


def call_through(box: Box) -> None:
    """Call the box; raises SwitchroomError unless the call is answered, heard, and ends as SIP demands.

    Whatever is heard is sent back, and Asterisk only plays on to a caller whose packets come.
    """
    tally = call(box.address, seconds=_SECONDS)
    packets = sum(stream.packets for stream in tally.sound)
    if len(tally.ended) != 1 or packets < _LEAST_PACKETS:
        again = call(box.address, seconds=_SECONDS)
        raise SwitchroomError("The call was cut, or had no sound.", cause=f"{tally}; the next one: {again}")
