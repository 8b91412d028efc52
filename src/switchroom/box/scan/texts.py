"""What other programs' texts use, found by searching line by line: AEL, Lua, AGI scripts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator, List, Optional, Pattern, Set, Tuple

from switchroom.box.conf import expand
from switchroom.box.reading import Budget, UnreadableError, contents, files_below
from switchroom.box.scan import commands, dialplan, expression
from switchroom.box.scan.model import Use

AEL, LUA = "/etc/asterisk/extensions.ael", "/etc/asterisk/extensions.lua"
SCRIPTS = "/var/lib/asterisk/agi-bin"

_LARGEST = 1 << 20  # bytes of a script that is looked into
_SEVERAL_LINES = re.compile(r"(?P<c>/\*)|--\[\[")  # where a comment over lines begins, in AEL and in Lua
_AEL_COMMENT, _LUA_COMMENT = re.compile(r"//.*"), re.compile(r"--.*")
_AEL_SCOPE = re.compile(r"\b(?:context|macro)\s+([\w-]+)")
_AEL_INCLUDE = re.compile(r'\s*#include\s+["<]?([^">]+)[">]?\s*$')
_CALL = re.compile(r"(?<![\w{&.\"'])([A-Za-z_]\w*)\s*\(")
_LUA_APPLICATION = re.compile(r"\bapp(?:\.|\[\s*[\"'])(\w+)(?:[\"']\s*\])?\s*\(")
_LUA_CHANNEL = re.compile(r"\bchannel(?:\.|\[\s*[\"'])(\w+)(?:\s*\(|[\"'(])")
_SCRIPT_APPLICATION = re.compile(r"\bexec[\s\"'(]+([A-Za-z]+)\b", re.IGNORECASE)


def ael(root: Path, budget: Budget) -> Iterator[Use]:
    """Yield what extensions.ael and the files it includes seem to call."""
    seen: Set[str] = set()
    waiting = [AEL]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        scope = ""
        for number, line in _lines(root, name, _AEL_COMMENT, budget):
            included = _AEL_INCLUDE.match(line)
            waiting += _expanded(root, included[1], budget) if included else []
            scope = (_AEL_SCOPE.findall(line) or [scope])[-1]
            yield from _ael_line(line, Use("", "", name, number, scope, dialplan=True))


def _expanded(root: Path, target: str, budget: Budget) -> Tuple[str, ...]:
    try:
        return expand(root, str(Path("/etc/asterisk", target.strip())), budget)
    except (OSError, UnreadableError):
        return ()


def _ael_line(line: str, place: Use) -> Iterator[Use]:
    yield from dialplan.values(line, place)
    for match in _CALL.finditer(line):
        inside = expression.balanced(line, match.end())
        yield from dialplan.application(f"{match[1]}({inside})", place)
        yield dialplan.of_kind(place, "function", match[1], inside)


def lua(root: Path, budget: Budget) -> Iterator[Use]:
    """Yield what extensions.lua seems to call."""
    for number, line in _lines(root, LUA, _LUA_COMMENT, budget):
        place = Use("", "", LUA, number, dialplan=True)
        yield from dialplan.values(line, place)
        for match in _LUA_APPLICATION.finditer(line):
            inside = expression.balanced(line, match.end())
            yield from dialplan.application(f"{match[1]}({_bare(inside)})", place)
        for match in _LUA_CHANNEL.finditer(line):
            yield dialplan.of_kind(place, "function", match[1], "")


def _bare(text: str) -> str:
    """Return Lua's arguments without the quotes of its strings."""
    return ",".join(part.strip().strip("\"'") for part in expression.split(text))


def scripts(root: Path, budget: Budget) -> Iterator[Use]:
    """Yield what AGI scripts seem to use: applications by EXEC, CLI commands, AMI actions, programs."""
    for name in files_below(root, SCRIPTS, budget):
        for number, line in _lines(root, name, None, budget):
            place = Use("", "", name, number, guessed=True)
            yield from dialplan.shell(line, place)
            for match in _SCRIPT_APPLICATION.finditer(line):
                yield dialplan.of_kind(place, "application", match[1], "")
            for program in commands.programs(line):
                yield dialplan.of_kind(place, "utility", program, "")


def _lines(
    root: Path, name: str, comment: Optional[Pattern[str]], budget: Budget
) -> Iterator[Tuple[int, str]]:
    """Yield the numbered lines of a text file without comments; none if it is no readable text.

    Lines longer than Asterisk would read are left out, as those of its own files are.
    """
    try:
        data = contents(root, name, budget, most=_LARGEST)
    except (OSError, UnreadableError):
        return
    if b"\0" in data:
        return
    text = data.decode(errors="surrogateescape")
    text = _without_blocks(text) if comment is not None else text
    for number, line in enumerate(budget.watched(text.split("\n")), 1):
        if len(line) <= budget.limits.line_bytes:
            yield number, comment.sub("", line) if comment is not None else line


def _without_blocks(text: str) -> str:
    """Return a text without comments that may run over lines; the lines stay where they were."""
    parts: List[str] = []
    at = 0
    while match := _SEVERAL_LINES.search(text, at):
        closing = "*/" if match["c"] else "]]"
        end = text.find(closing, match.end())
        if end < 0:  # never closed: no comment, and neither is any other of its kind
            return "".join([*parts, text[at:]])
        parts += [text[at : match.start()], "\n" * text.count("\n", match.start(), end)]
        at = end + len(closing)
    return "".join([*parts, text[at:]])
