"""All tests: what they start can be interrupted, however they were started themselves."""

from __future__ import annotations

import signal

# What a shell without job control starts in the background has Ctrl-C ignored, and so has all below it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
