"""A real call from the host: answered, with sound both ways."""

from __future__ import annotations

from typing import Optional

from campaign.watch import until
from lab.boxes import Box
from support import pbx
from support.calls import Tally, call
from switchroom.core.errors import SwitchroomError

_PACKETS = 25
_NOTED_SECONDS = 20.0


def call_through(box: Box) -> None:
    """Call the box; raises SwitchroomError unless the call is answered, heard, and ends as SIP demands.

    Whatever is heard is sent back, and Asterisk notes how much of it came when the call is over.
    """
    tally = call(box.address, packets=_PACKETS)
    if wrong := fault(tally):
        raise SwitchroomError(wrong, cause=f"{tally}")
    until(lambda: _received(box) >= _PACKETS // 2, _NOTED_SECONDS, "Asterisk to hear the caller")


def fault(tally: Tally) -> Optional[str]:
    """Return what was wrong with a call that listened for sound, None if nothing was."""
    packets = sum(stream.packets for stream in tally.sound)
    if len(tally.ended) != 1:
        return "The call did not last until the caller hung up."
    if packets < _PACKETS:
        return f"The call fell silent after {packets} packets of sound."
    return None


def _received(box: Box) -> int:
    return int(pbx.noted(box).get("LAB_RECEIVED") or 0)
