"""Reading what a running Asterisk answered on its console: line by line, word by word, in linear time.

Whoever has taken Asterisk over answers what he likes; no search may go back and forth in it.
"""

from __future__ import annotations

from typing import Iterator, List

from switchroom.box.limits import load_limits


def lines(answer: str) -> Iterator[str]:
    """Yield the lines that Asterisk could have written; longer ones are passed over."""
    longest = load_limits().answers.line_bytes
    return (line for line in answer.split("\n") if len(line) <= longest)


def rows(answer: str, least: int) -> Iterator[List[str]]:
    """Yield the words of each line that has ``least`` of them."""
    return (words for words in map(str.split, lines(answer)) if len(words) >= least)


def is_number(text: str) -> bool:
    """Return whether a text is a number that a person could have meant: up to nine digits."""
    return len(text) <= 9 and text.isascii() and text.isdigit()  # noqa: PLR2004
