"""The one way to fail: what is wrong, why, what to do next, and an exit code that means something."""

from __future__ import annotations

import contextlib
import enum
import errno
from typing import Dict, Iterator

from switchroom.core import words

_QUOTED = 400  # characters of what a reader said


class ExitCode(enum.IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    ATTENTION = 4
    INTERRUPTED = 130


class SwitchroomError(Exception):
    """A failure a person can act on.

    ``message`` is one full sentence with the names involved quoted, ``cause`` the evidence (may be several
    lines, for example the end of a log), ``hint`` the next thing to do.
    """

    def __init__(
        self, message: str, *, cause: str = "", hint: str = "", code: ExitCode = ExitCode.FAILED
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.hint = hint
        self.code = code

    def as_dict(self) -> Dict[str, object]:
        """Return the error as the JSON object printed under ``--json``."""
        return {
            "error": self.message,
            "cause": self.cause,
            "hint": self.hint,
            "exit_code": int(self.code),
        }


# What a reader raises when its input has another shape than it was written for.
_ODD = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)


@contextlib.contextmanager
def reading(what: str, *, hint: str = "", code: ExitCode = ExitCode.FAILED) -> Iterator[None]:
    """Turn whatever odd input makes the block's reader raise into one SwitchroomError that names ``what``.

    For the place where something from outside is taken in; what the block itself raises as SwitchroomError or
    OSError passes.
    """
    try:
        yield
    except _ODD as error:
        cause = words.line(f"{type(error).__name__}: {error}", _QUOTED)
        raise SwitchroomError(f"{what} cannot be read.", cause=cause, hint=hint, code=code) from error


_OS_HINTS = {
    errno.ENOSPC: "Free some space on that file system, then run the same command again.",
    errno.EDQUOT: "Raise the quota or free some space, then run the same command again.",
    errno.EACCES: "Run it as a user who may write there, or choose another folder.",
    errno.EPERM: "Run it as root, or choose another folder.",
    errno.EROFS: "Choose a folder on a writable file system.",
}


def from_os_error(error: OSError) -> SwitchroomError:
    """Turn an operating-system error that nobody handled into one a person can act on."""
    where = f" at '{error.filename}'" if error.filename else ""
    reason = error.strerror or str(error)
    hint = _OS_HINTS.get(error.errno or 0, "Check the path and the file system it is on.")
    return SwitchroomError(f"{reason}{where}.", hint=hint)
