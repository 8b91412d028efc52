"""A limit in seconds for a block of work that has none of its own."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import Iterator, NoReturn

from switchroom.core.errors import SwitchroomError

_GRACE_SECONDS = 180.0  # for what must be ended in order: rpm gets two minutes


class _OverdueError(Exception):
    """No SwitchroomError: what goes on after one of those does not go on after this."""


@contextlib.contextmanager
def limited(seconds: float, what: str, grace: float = _GRACE_SECONDS) -> Iterator[None]:
    """Raise SwitchroomError when the block takes longer; kill this process if it hears nothing then.

    Whoever uses it is started again after such an end, as systemd does it. In another thread than the main
    one there is no limit. Not to be nested.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_signal: int, _frame: object) -> NoReturn:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, grace)
        raise _OverdueError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _OverdueError:
        raise SwitchroomError(f"{what} took longer than {seconds:.0f} s and was stopped.") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
