"""Reading one line of dialplan: applications, arguments, functions, variables, the commands within."""

from __future__ import annotations

import re
from typing import Iterator, List, Optional, Tuple

_FUNCTION = re.compile(r"\$\{([A-Za-z_]\w*)\(")
_VARIABLE = re.compile(r"\$\{_{0,2}([A-Za-z]\w*)(?=[}:])")
_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*(.*)", re.DOTALL)
_TARGET = re.compile(r"(?:^|&)\s*([A-Za-z][A-Za-z0-9]+)/")
_SPECIAL = re.compile(r'[()\[\]{}"\\,?:]')
_BRACKET = re.compile(r"[()\[\]{}]")
_OPEN, _CLOSE = "([{", ")]}"
_DEEPEST = 64  # brackets within brackets
_LONGEST = 2048  # characters of the arguments of a function: those of one within another are counted again


def split(text: str, at: str = ",") -> Tuple[str, ...]:
    """Split at a character (``,``, ``?`` or ``:``) that stands outside brackets and quotes."""
    if at not in text:
        return (text,)
    parts: List[str] = []
    start, depth, quoted, escaped = 0, 0, False, -1
    for match in _SPECIAL.finditer(text):
        letter, here = match[0], match.start()
        if here == escaped:
            continue
        if letter == "\\":
            escaped = here + 1
        elif letter == '"':
            quoted = not quoted
        elif not quoted:
            depth = max(0, depth + (letter in _OPEN) - (letter in _CLOSE))
            if letter == at and depth == 0:
                parts.append(text[start:here])
                start = here + 1
    return (*parts, text[start:])


def call(text: str) -> Optional[Tuple[str, str]]:
    """Return the name and the raw arguments of ``App(args)``, ``App,args`` or ``App``; None if no name."""
    match = _CALL.match(text)
    if match is None:
        return None
    name, rest = match[1], match[2].strip()
    if rest.startswith("("):
        end = rest.rfind(")")
        return name, rest[1 : end if end > 0 else None]
    return name, rest.lstrip(",")


def functions(text: str) -> Iterator[Tuple[str, str]]:
    """Yield each ``${FUNC(args)}``, also within another: its name, and the text from there on."""
    for match in _FUNCTION.finditer(text):
        yield match[1], text[match.end() : match.end() + _LONGEST]


def variables(text: str) -> Iterator[str]:
    """Yield the names of the plain variables that are read."""
    for match in _VARIABLE.finditer(text):
        yield match[1]


def assignments(text: str, several: bool) -> Iterator[Tuple[str, str]]:
    """Yield left and right side of ``Set(a=b)``, or of each pair of ``MSet``; leading underscores go."""
    for pair in split(text) if several else (text,):
        left, equals, right = pair.partition("=")
        if equals:
            yield left.strip().lstrip("_"), right


def conditional(text: str) -> Tuple[str, ...]:
    """Return what ``ExecIf(cond?App(args):Other(args))`` and ``ExecIfTime`` may run."""
    _, *rest = split(text, "?")
    return split("?".join(rest), ":") if rest else ()


def technologies(text: str) -> Iterator[str]:
    """Yield the channel technologies of ``SIP/1&PJSIP/2``."""
    for match in _TARGET.finditer(text):
        yield match[1]


def option_letters(text: str) -> str:
    """Return the letters of an option string without what stands in brackets."""
    letters, depth = "", 0
    for letter in text:
        depth -= letter in _CLOSE and depth > 0
        letters += letter if depth == 0 and letter.isalpha() else ""
        depth += letter in _OPEN
    return letters


def balanced(text: str, start: int = 0) -> str:
    """Return the text from ``start`` to the bracket that closes one before it, or as far as is read."""
    depth = 1
    for match in _BRACKET.finditer(text, start, start + _LONGEST):
        depth += 1 if match[0] in _OPEN else -1
        if depth == 0 or depth > _DEEPEST:
            return text[start : match.start()]
    return text[start : start + _LONGEST]
