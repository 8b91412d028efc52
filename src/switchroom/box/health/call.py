"""A local test call: one Local channel into an extension of our own that answers.

The extension lives in the running dialplan only, in a context of its own for every check, so that no file of
the site changes and checks at the same time do not meet. It turns its call records off (CDR_PROP): the check
leaves no CDR. Channel event logging (CEL), where a site has it, does note the call. Should we be killed, the
call ends by itself and the context stays, reached by nobody, until Asterisk restarts.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from typing import Iterator, Optional, Tuple

from switchroom.box import answers
from switchroom.box.console import Console
from switchroom.box.health.report import Verdict
from switchroom.core.errors import SwitchroomError

_SECONDS = 5.0  # until the answer
_POLL_SECONDS = 0.05
_QUIET = "Set(CDR_PROP(disable)=1)"
_STATE = 3  # behind the channel's name
_ANSWERING, _SITE = "dial-tone", "site"  # extensions


def check(console: Console, target: Optional[str], before: Optional[bool] = None) -> Verdict:
    """Call ``target`` (extension@context), or our own extension when it is None, and judge the answer.

    ``before`` is whether it was answered in the baseline (None without one): what did not work then does not
    count now. Raises SwitchroomError when Asterisk does not answer its console.
    """
    context = f"switchroom-health-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    if console.known(f"dialplan add extension {_ANSWERING},1,{_QUIET} into {context}") is None:
        return Verdict(False, "pbx_config is not loaded, which the test call needs", required=bool(before))
    with _cleaned(console, context):
        _add(console, context, _ANSWERING, ("Answer", f"Wait({_SECONDS:.0f})"))
        if target:
            _add(console, context, _SITE, (_goto(target),))
        called = _SITE if target else _ANSWERING
        console.ask(f"channel originate Local/{called}@{context}/n extension {_ANSWERING}@{context}")
        verdict = _answered(console, context, f"the call to '{target}'" if target else "a local call")
    if before is False and not verdict.ok:
        return Verdict(False, f"{verdict.evidence}, nor was it before", required=False)
    return verdict


def _add(console: Console, context: str, extension: str, applications: Tuple[str, ...]) -> None:
    for priority, application in enumerate((_QUIET, *applications), start=1):
        if (extension, priority) != (_ANSWERING, 1):  # that one showed that there is pbx_config
            console.ask(f"dialplan add extension {extension},{priority},{application} into {context}")


def _goto(target: str) -> str:
    extension, _, context = target.partition("@")
    return f"Goto({context},{extension},1)"


@contextlib.contextmanager
def _cleaned(console: Console, context: str) -> Iterator[None]:
    """End our call and remove our context afterwards, whatever happened."""
    try:
        yield
    finally:
        with contextlib.suppress(SwitchroomError):  # what went wrong before says more
            for channel, _state in _calling(console, context):
                console.ask(f"channel request hangup {channel}")
            console.ask(f"dialplan remove context {context}")


def _answered(console: Console, context: str, call: str) -> Verdict:
    """Wait until the calling end is up, which it is only when the called one has answered."""
    begin = time.monotonic()
    while time.monotonic() < begin + _SECONDS:
        if any(state == "Up" for _channel, state in _calling(console, context)):
            milliseconds = (time.monotonic() - begin) * 1000
            return Verdict(True, f"{call} was answered within {milliseconds:.0f} ms")
        time.sleep(_POLL_SECONDS)
    return Verdict(False, f"{call} was not answered within {_SECONDS:.0f} s")


def _calling(console: Console, context: str) -> Iterator[Tuple[str, str]]:
    """Yield our calling ends and their states, from lines ``channel!context!extension!priority!state!…``."""
    for line in answers.lines(console.ask("core show channels concise")):
        channel, *fields = line.split("!")
        if f"@{context}-" in channel and channel.endswith(";1") and len(fields) > _STATE:
            yield channel, fields[_STATE]
