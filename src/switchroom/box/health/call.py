"""A local test call: one Local channel into an extension of our own that answers.

The extension lives in the running dialplan only, in a context of its own for every check, so that no file of
the site changes and checks at the same time do not meet. It turns its call records off (CDR_PROP): the check
leaves no CDR. Channel event logging (CEL), where a site has it, does note the call.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from typing import Iterator, Optional

from switchroom.box.console import Console
from switchroom.box.health.report import Verdict
from switchroom.core.errors import SwitchroomError

_EXTENSION = "dial-tone"
_SECONDS = 5.0  # until the answer; the channel of its own outlives it by little, should we be killed
_POLL_SECONDS = 0.05
_PRIORITIES = ("Set(CDR_PROP(disable)=1)", "Answer", f"Wait({_SECONDS:.0f})")


def check(console: Console, target: Optional[str], before: Optional[bool] = None) -> Verdict:
    """Call ``target`` (extension@context), or our own extension when it is None, and judge the answer.

    ``before`` is whether it was answered in the baseline (None without one): what did not work then does not
    count now.
    """
    context = f"switchroom-health-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    if console.known(f"dialplan add extension {_EXTENSION},1,{_PRIORITIES[0]} into {context}") is None:
        return Verdict(False, "pbx_config is not loaded, which the test call needs", required=bool(before))
    with _extension(console, context):
        called = target or f"{_EXTENSION}@{context}"
        console.ask(f"channel originate Local/{called}/n extension {_EXTENSION}@{context}")
        verdict = _answered(console, context, "a local call" if target is None else f"the call to '{target}'")
    if before is False and not verdict.ok:
        return Verdict(False, f"{verdict.evidence}, nor did it before", required=False)
    return verdict


@contextlib.contextmanager
def _extension(console: Console, context: str) -> Iterator[None]:
    try:
        for priority, application in enumerate(_PRIORITIES[1:], start=2):
            console.ask(f"dialplan add extension {_EXTENSION},{priority},{application} into {context}")
        yield
    finally:
        with contextlib.suppress(SwitchroomError):  # what went wrong before says more
            console.ask(f"dialplan remove context {context}")


def _answered(console: Console, context: str, called: str) -> Verdict:
    """Wait for the calling end, which enters our extension only after the called one has answered."""
    begin = time.monotonic()
    while time.monotonic() < begin + _SECONDS:
        channel = _calling_end(console.ask("core show channels concise"), context)
        if channel:
            console.ask(f"channel request hangup {channel}")
            milliseconds = (time.monotonic() - begin) * 1000
            return Verdict(True, f"{called} was answered within {milliseconds:.0f} ms")
        time.sleep(_POLL_SECONDS)
    return Verdict(False, f"{called} was not answered within {_SECONDS:.0f} s")


def _calling_end(concise: str, context: str) -> Optional[str]:
    """Return the channel up in our context, from lines ``channel!context!extension!priority!state!…``."""
    for line in concise.splitlines():
        channel, _, rest = line.partition("!")
        if channel.endswith(";1") and rest.startswith(f"{context}!{_EXTENSION}!") and "!Up!" in rest:
            return channel
    return None
