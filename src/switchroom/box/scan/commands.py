"""Commands: of Asterisk's CLI, its manager interface and the shell, found in text."""

from __future__ import annotations

import functools
import re
from typing import Iterator, Pattern, Tuple

_REMOTE = re.compile(r"""asterisk["']?\s+(?:-\w+\s+)*?-\w*x\s*(?P<quote>\\?["'])(?P<text>.*?)(?P=quote)""")
_REMOTE_BARE = re.compile(r"""asterisk\s+(?:-\w+\s+)*?-\w*x\s+(?P<text>[^"'\s\\][^|&;<>)]*)""")
_ACTION = re.compile(
    r"""\baction["']?\s*(?:=>|[=:])\s*["']?(\w+)|send_request\(\s*["'](\w+)""", re.IGNORECASE
)
_WORD = re.compile(r"[\w.+/-]+")


def remote(text: str) -> Iterator[str]:
    """Yield the CLI commands that ``asterisk -rx "…"`` sends."""
    for pattern in (_REMOTE, _REMOTE_BARE) if "asterisk" in text else ():
        for match in pattern.finditer(text):
            yield match["text"].strip()


def actions(text: str) -> Iterator[str]:
    """Yield the AMI actions a text seems to send: ``Action: X``, ``action=X``, ``send_request('X'``."""
    if "action" in text.lower() or "send_request" in text:
        for match in _ACTION.finditer(text):
            yield match[1] or match[2]


def programs(text: str) -> Iterator[str]:
    """Yield the last part of each word that could be a program's path."""
    for match in _WORD.finditer(text):
        yield match[0].rpartition("/")[2]


def matches(pattern: str, command: str, prefix: bool = False) -> bool:
    """Return whether a command is one that a pattern like ``sip show {a|b} [like]`` describes.

    With ``prefix`` the command may be only its first words, as in cli_permissions.conf.
    """
    words = command.split()
    if prefix:
        return bool(words) and _first_words(pattern, len(words)).fullmatch(" ".join(words)) is not None
    return _whole(pattern).match(" ".join(words)) is not None


@functools.cache
def _whole(pattern: str) -> Pattern[str]:
    return re.compile("".join(f"{part}" for part in _parts(pattern)) + r"(?!\S)", re.IGNORECASE)


@functools.cache
def _first_words(pattern: str, count: int) -> Pattern[str]:
    return re.compile("".join(_parts(pattern)[:count]) + r"(?: .*)?", re.IGNORECASE)


def _parts(pattern: str) -> Tuple[str, ...]:
    """Return the regular expression of each word: ``{a|b}`` is one of them, ``[x]`` may be left out."""
    parts = []
    for number, word in enumerate(re.findall(r"\{[^}]*\}|\[[^]]*\]|\S+", pattern)):
        space = " " if number else ""
        if word[0] == "[":
            parts.append(f"(?:{space}{_choice(word[1:-1])})?")
        else:
            parts.append(space + _choice(word.strip("{}")))
    return tuple(parts)


def _choice(words: str) -> str:
    choices = [r"\S+" if word.startswith("<") else re.escape(word) for word in words.split("|")]
    return f"(?:{'|'.join(choices)})"
