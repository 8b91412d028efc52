"""What other programs' texts use, found by searching line by line: AEL, Lua, AGI scripts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator, List, Optional, Pattern, Tuple

from switchroom.box.conf.rooted import expand, rooted
from switchroom.box.scan import commands, dialplan, expression
from switchroom.box.scan.model import Use

AEL, LUA = "/etc/asterisk/extensions.ael", "/etc/asterisk/extensions.lua"
SCRIPTS = "/var/lib/asterisk/agi-bin"

_LARGEST = 1 << 20  # bytes of a script that is looked into
_SEVERAL_LINES = re.compile(r"/\*.*?\*/|--\[\[.*?\]\]", re.DOTALL)
_AEL_COMMENT, _LUA_COMMENT = re.compile(r"//.*"), re.compile(r"--.*")
_AEL_SCOPE = re.compile(r"\b(?:context|macro)\s+([\w-]+)")
_AEL_INCLUDE = re.compile(r'^\s*#include\s+["<]?([^">]+?)[">]?\s*$')
_CALL = re.compile(r"(?<![\w{&.\"'])([A-Za-z_]\w*)\s*\(")
_LUA_APPLICATION = re.compile(r"\bapp(?:\.|\[\s*[\"'])(\w+)(?:[\"']\s*\])?\s*\(")
_LUA_CHANNEL = re.compile(r"\bchannel(?:\.|\[\s*[\"'])(\w+)(?:\s*\(|[\"'(])")
_SCRIPT_APPLICATION = re.compile(r"\bexec[\s\"'(]+([A-Za-z]+)\b", re.IGNORECASE)


def ael(root: Path) -> Iterator[Use]:
    """Yield what extensions.ael and the files it includes seem to call."""
    seen: List[str] = []
    waiting = [AEL]
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.append(name)
        scope = ""
        for number, line in _lines(root, name, _AEL_COMMENT):
            included = _AEL_INCLUDE.match(line)
            waiting += expand(root, str(Path("/etc/asterisk", included[1]))) if included else []
            scope = (_AEL_SCOPE.findall(line) or [scope])[-1]
            yield from _ael_line(line, Use("", "", name, number, scope, dialplan=True))


def _ael_line(line: str, place: Use) -> Iterator[Use]:
    yield from dialplan.values(line, place)
    for match in _CALL.finditer(line):
        inside = expression.balanced(line, match.end())
        yield from dialplan.application(f"{match[1]}({inside})", place)
        yield dialplan.of_kind(place, "function", match[1], inside)


def lua(root: Path) -> Iterator[Use]:
    """Yield what extensions.lua seems to call."""
    for number, line in _lines(root, LUA, _LUA_COMMENT):
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


def scripts(root: Path) -> Iterator[Use]:
    """Yield what AGI scripts seem to use: applications by EXEC, CLI commands, AMI actions, programs."""
    folder = rooted(root, SCRIPTS)
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        name = f"{SCRIPTS}/{path.relative_to(folder)}"
        for number, line in _lines(root, name, None):
            place = Use("", "", name, number, guessed=True)
            yield from dialplan.shell(line, place)
            for match in _SCRIPT_APPLICATION.finditer(line):
                yield dialplan.of_kind(place, "application", match[1], "")
            for program in commands.programs(line):
                yield dialplan.of_kind(place, "utility", program, "")


def _lines(root: Path, name: str, comment: Optional[Pattern[str]]) -> List[Tuple[int, str]]:
    """Return the numbered lines of a text file without comments; none if it is no readable text."""
    path = rooted(root, name)
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return []
        data = path.read_bytes()
    except OSError:
        return []
    if b"\0" in data:
        return []
    text = data.decode(errors="surrogateescape")
    if comment is not None:
        text = _SEVERAL_LINES.sub(lambda match: "\n" * match[0].count("\n"), text)
        return [(number, comment.sub("", line)) for number, line in enumerate(text.split("\n"), 1)]
    return list(enumerate(text.split("\n"), 1))
