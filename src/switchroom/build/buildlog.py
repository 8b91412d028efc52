"""A build log while it grows, and the lines of it that say why the build failed."""

from __future__ import annotations

import contextlib
import re
import threading
from pathlib import Path
from typing import Callable, Iterator, List

_LIMIT = 12
# What compilers, linkers, make, configure and rpm print when they give up; the first is mostly the cause.
_CAUSE = re.compile(
    r"""(?: (?:fatal\ )?error:
      | undefined\ reference\ to
      | cannot\ find\ -l
      | No\ rule\ to\ make\ target
      | No\ such\ file\ or\ directory
      | No\ space\ left\ on\ device
      | command\ not\ found
      | [Pp]ermission\ denied
      | ^make(?:\[\d+\])?:\ \*\*\*
      | ^\s+(?:File\ not\ found|Installed\ \(but\ unpackaged\))
      | ^Traceback
    )""",
    re.VERBOSE,
)
_FOLLOW_SECONDS = 1.0
_SUMMARY = "RPM build errors:"
DISK_FULL = "No space left on device"


def useful_lines(text: str) -> str:
    """Return the first lines that name a cause, each once, then rpm's own summary; else the last lines."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    summary = lines.index(_SUMMARY) if _SUMMARY in lines else len(lines)
    causes = _unique([line for line in lines[:summary] if _CAUSE.search(line)])
    if not causes:
        causes = lines[max(0, summary - _LIMIT // 2) : summary]
    closing = lines[summary + 1 :]
    kept = causes[: _LIMIT // 2] + [line for line in closing if line not in causes]
    return "\n".join(kept[:_LIMIT])


@contextlib.contextmanager
def following(log: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Tell every second, while the block runs, how many files the log says have been compiled."""
    ended = threading.Event()
    thread = threading.Thread(target=_follow, args=(log, tell, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _follow(log: Path, tell: Callable[[str], None], ended: threading.Event) -> None:
    while not ended.wait(_FOLLOW_SECONDS):
        count = log.read_bytes().count(b" -c ") if log.exists() else 0
        if count:
            tell(f"{count} files compiled")


def _unique(lines: List[str]) -> List[str]:
    return list(dict.fromkeys(lines))
