"""Asterisk's console: one command asked, one answer read, never longer than a limit.

Asked over its control socket, by the protocol of ``main/asterisk.c`` (``netconsole``): it greets with
``host/process/version`` and a newline, takes ``cli quit after COMMAND`` and a NUL in one piece, answers and
hangs up. Asterisk's own client is not used: started by root it obeys what the user asterisk wrote, programs
to execute (``execincludes``) and folders to make (``astrundir``) among it.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import time
from contextlib import closing
from pathlib import Path
from typing import Optional

from switchroom.core.errors import SwitchroomError

SOCKET = Path("/run/asterisk/asterisk.ctl")
# Before it, Asterisk may complain in the answer, for example that no network card gives it an identity.
_UNKNOWN = re.compile(r"^No such command '", re.MULTILINE)
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_GREETING = re.compile(rb"[^/\n]*/\d+/[^\n]*\n")
_LONGEST_GREETING = 512
_LONGEST_COMMAND = 512 - len("cli quit after ") - 1  # netconsole reads the whole of it at once
_LONGEST_ANSWER = 8 << 20  # bytes; 10,000 contacts take one million
_CHUNK = 1 << 16
_LOG_LEVELS = 0xF5  # begins a line of the log, which is no part of the answer; no text in UTF-8 has it
_BUSY_SECONDS = 0.01
_HINT = "See 'systemctl status asterisk.service' and /var/log/asterisk/full."


class Console:
    """The console of the Asterisk that runs on this box."""

    def __init__(self, path: Path = SOCKET) -> None:
        self._path = path

    def ask(self, command: str, timeout: float = 10.0) -> str:
        """Return the answer to one command, such as ``core show version``, without colours.

        A command that Asterisk does not know is an answer too (see ``known``). Raises SwitchroomError when
        Asterisk does not answer, not within ``timeout`` seconds, or with more than 8 MiB.
        """
        try:
            said = self._exchange(command.encode(), time.monotonic() + timeout)
        except socket.timeout:
            raise SwitchroomError(
                f"Asterisk's answer to '{command}' took longer than {timeout:.0f} s.", hint=_HINT
            ) from None
        except (OSError, ValueError) as error:
            raise SwitchroomError(
                f"Asterisk does not answer '{command}'.", cause=f"'{self._path}': {error}", hint=_HINT
            ) from error
        return _ESCAPES.sub("", said.decode(errors="replace")).strip()

    def known(self, command: str, timeout: float = 10.0) -> Optional[str]:
        """Return the answer to a command, or None when no loaded module brings it; raises as ``ask``."""
        answer = self.ask(command, timeout)
        return None if _UNKNOWN.search(answer) else answer

    def _exchange(self, command: bytes, deadline: float) -> bytes:
        if len(command) > _LONGEST_COMMAND or b"\0" in command:
            raise ValueError(f"a command has up to {_LONGEST_COMMAND} bytes and no NUL")
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as line:
            self._connect(line, deadline)
            _greeted(line, deadline)
            line.sendall(b"cli quit after " + command + b"\0")
            return _answer(line, deadline)

    def _connect(self, line: socket.socket, deadline: float) -> None:
        """Connect to the socket itself: a link there would lead root to any other program's."""
        handle = os.open(self._path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not stat.S_ISSOCK(os.fstat(handle).st_mode):
                raise ValueError("it is not a socket")
            while True:
                try:
                    line.settimeout(_left(deadline))
                    return line.connect(f"/proc/self/fd/{handle}")
                except BlockingIOError:  # it has room for two that wait
                    time.sleep(_BUSY_SECONDS)
        finally:
            os.close(handle)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise socket.timeout
    return left


def _greeted(line: socket.socket, deadline: float) -> None:
    """Read the greeting; raises ValueError when it is not Asterisk's, which may say that it is too busy."""
    said = b""
    while b"\n" not in said and len(said) < _LONGEST_GREETING:
        line.settimeout(_left(deadline))
        part = line.recv(_LONGEST_GREETING)
        if not part:
            break
        said += part
    if not _GREETING.fullmatch(said):
        raise ValueError(f"who listens there says {said[:80]!r}, which is not Asterisk's greeting")


def _answer(line: socket.socket, deadline: float) -> bytes:
    said = bytearray()
    while True:
        line.settimeout(_left(deadline))
        try:
            part = line.recv(_CHUNK)
        except ConnectionResetError:  # ended by the command itself
            part = b""
        if not part:
            return b"".join(one for one in said.splitlines(keepends=True) if one[0] < _LOG_LEVELS)
        said += part.replace(b"\0", b"")
        if len(said) > _LONGEST_ANSWER:
            raise ValueError(f"the answer is longer than {_LONGEST_ANSWER} bytes")
