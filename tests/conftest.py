"""All tests: what they start can be interrupted, however they were started themselves."""

from __future__ import annotations

import signal

# A shell without job control starts what runs in the background with Ctrl-C ignored, and all below inherits it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
