"""Where the command line starts: as ``python -m switchroom``, and for the launchers."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

_JSON = '{\n  "error": "Interrupted.",\n  "cause": "",\n  "hint": "",\n  "exit_code": 130\n}\n'


def entry() -> NoReturn:
    """Run the command line and exit; a Ctrl-C while it is still being imported ends it with a word, too."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    from switchroom.cli.main import entry as run  # noqa: PLC0415 - what takes time comes behind the handler

    run()


def _end(_signal: int, _frame: object) -> NoReturn:
    """End at once: nothing was begun, or all is done."""
    if "--json" in sys.argv:
        os.write(1, _JSON.encode())
    else:
        os.write(2, b"error: Interrupted.\n")
    os._exit(130)


if __name__ == "__main__":
    entry()
