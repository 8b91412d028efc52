"""Asterisk's console: one command asked, one answer read, never longer than a limit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Optional

from switchroom.core import process
from switchroom.core.errors import SwitchroomError

# Before it, Asterisk may complain in the answer, for example that no network card gives it an identity.
_UNKNOWN = re.compile(r"^No such command '", re.MULTILINE)
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# What "asterisk -rx" says when nobody listens on the console's socket, or it may not be opened.
_UNREACHABLE = ("Unable to connect to remote asterisk", "Unable to access the running directory")
_HINT = "See 'systemctl status asterisk.service' and /var/log/asterisk/full."


class Console:
    """The console of the Asterisk that runs on this box, asked through ``asterisk -rx``."""

    def __init__(self, binary: Path = Path("/usr/sbin/asterisk")) -> None:
        self._binary = binary

    def ask(self, command: str, timeout: float = 10.0) -> str:
        """Return the answer to one command, such as ``core show version``, without colours.

        A command that Asterisk does not know is an answer too (see ``known``). Raises SwitchroomError when
        Asterisk does not answer, or not within ``timeout`` seconds.
        """
        what = f"Asterisk's answer to '{command}'"
        result = process.run([self._binary, "-rx", command], what=what, check=False, timeout=timeout)
        answer = _ESCAPES.sub("", result.stdout.decode(errors="replace"))
        said = answer + result.stderr.decode(errors="replace")
        if result.returncode != 0 or any(text in said for text in _UNREACHABLE):
            raise SwitchroomError(
                f"Asterisk does not answer '{command}'.", cause=process.last_lines(said.encode()), hint=_HINT
            )
        return answer.strip()

    def known(self, command: str, timeout: float = 10.0) -> Optional[str]:
        """Return the answer to a command, or None when no loaded module brings it; raises as ``ask``."""
        answer = self.ask(command, timeout)
        return None if _UNKNOWN.search(answer) else answer
