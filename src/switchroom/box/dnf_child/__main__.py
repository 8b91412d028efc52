"""Carries out the one request that standard input holds."""

import ctypes
import errno
import json
import os
import signal
import sys
from typing import Any

# Started as "python -I FILE": nothing of the caller's environment or folder counts.
sys.path.insert(0, os.path.abspath(os.path.join(os.path.dirname(__file__), "../../..")))

import dnf.exceptions  # type: ignore

from switchroom.box.dnf_child import files, offers, streams, transaction
from switchroom.box.dnf_child.wire import LOCKED, LOG, Request, RequestError, open_channel, tell

# What changes nothing ends with the tool; a transaction is never cut off because the tool was.
READING = {"offers": offers.offers, "resolve": offers.resolve, "download": files.download}
CHANGING = {
    "install": transaction.install,
    "rehearse": transaction.rehearse,
    "remove": transaction.remove,
    "mark": transaction.mark,
    "stream": streams.stream,
}
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Answer with a result or an error; whatever is not foreseen ends in a traceback on standard error."""
    open_channel()
    os.umask(0o022)
    os.chdir("/")
    request = json.load(sys.stdin)
    if request["command"] in READING:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        tell(event="result", value=_carry_out(request))
    except RequestError as failure:
        tell(**failure.event)


def _carry_out(request: Request) -> Any:
    try:
        return {**READING, **CHANGING}[request["command"]](request)
    except dnf.exceptions.LockError as error:
        hint = "Wait for it to end, then run the same command again."
        raise RequestError("Another package manager is at work.", str(error), hint, LOCKED) from error
    except dnf.exceptions.Error as error:
        raise RequestError("dnf refused the request.", "\n".join([*LOG.lines, str(error)])) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = error.filename or "/var/cache/dnf"
        hint = "Free some space there, then run the same command again."
        raise RequestError(f"No space is left at '{where}'.", str(error), hint) from error


if __name__ == "__main__":
    main()
