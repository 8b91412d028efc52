"""Words on their way out: what files, peers and other programs said reaches no terminal, log or reader raw.

A control character would move the cursor, colour or forge a line ("Healthy"); a byte that is no text (a
surrogate) would end the program that prints it. Both become a question mark. Text directions and invisible
characters count as control characters.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from typing import Any, Iterator, Optional, TextIO, cast

_SHORTENED = " …"
# An escape of a JSON text: a short one, both halves of one character, or half a character, which is none.
_ESCAPE = re.compile(r"\\[^u]|\\ud[89ab]..\\ud[c-f]..|(?P<half>\\ud[89a-f]..)")


def line(text: str, most: Optional[int] = None) -> str:
    """Return a text as one line without control characters, no longer than ``most`` characters."""
    clean = _clean(" ".join(text.split()))
    if most is None or len(clean) <= most:
        return clean
    return clean[: most - len(_SHORTENED)] + _SHORTENED


def lines(text: str) -> str:
    """Return a text whose only control characters are the ends of its lines and tabs."""
    if text.isprintable():
        return text
    return "\n".join("\t".join(map(_clean, row.split("\t"))) for row in text.split("\n"))


def to_json(data: Any, indent: Optional[int] = None) -> str:
    """Return data as JSON in ASCII that every reader takes: half a character becomes a question mark."""
    text = json.dumps(data, indent=indent, default=str)
    return _ESCAPE.sub(lambda match: "?" if match["half"] else match[0], text) if "\\u" in text else text


def control(stream: TextIO, text: str) -> None:
    """Write our own control characters on a stream that lets no others through."""
    getattr(stream, "unfiltered", stream).write(text)


@contextlib.contextmanager
def filtered() -> Iterator[None]:
    """Let nothing through to standard output and standard error but clean lines."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = cast(TextIO, _Filter(sys.stdout)), cast(TextIO, _Filter(sys.stderr))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Filter:
    """A stream of text; all but writing is the stream's own."""

    def __init__(self, stream: Any) -> None:
        self.unfiltered = stream

    def write(self, text: str) -> int:
        """Write a text without its control characters; returns the number of characters."""
        clean = lines(text)
        try:
            return int(self.unfiltered.write(clean))
        except UnicodeEncodeError as error:  # a locale without these letters
            return int(self.unfiltered.write(clean.encode(error.encoding, "replace").decode(error.encoding)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unfiltered, name)


def _clean(text: str) -> str:
    return text if text.isprintable() else "".join(one if one.isprintable() else "?" for one in text)
