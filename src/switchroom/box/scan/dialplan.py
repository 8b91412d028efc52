"""What a dialplan in extensions.conf uses."""

from __future__ import annotations

import dataclasses
import re
from typing import Iterator, Optional, Tuple

from switchroom.box.conf import Configuration, Entry
from switchroom.box.scan import commands, expression
from switchroom.box.scan.model import Use

_ASSIGNED_FUNCTION = re.compile(r"([A-Za-z_]\w*)\((.*)\)$", re.DOTALL)
_DEEPEST = 16
_DIALS = {"dial", "retrydial", "page", "chanisavail", "originate"}
_SHELLS = {"system", "trysystem", "agi", "eagi", "deadagi", "mixmonitor", "externalivr"}


def uses(configuration: Configuration) -> Iterator[Use]:
    """Yield what all contexts use; the contexts nobody includes too, since that cannot be known."""
    for entry in configuration.entries():
        place = Use("", "", entry.file, entry.line, entry.section, dialplan=True)
        yield from values(entry.value, place)
        step = _step(entry)
        if step is not None:
            yield from application(step, place)
        elif entry.section == "globals":
            yield from assigned(entry.key, entry.value, dataclasses.replace(place, dialplan=False))


def _step(entry: Entry) -> Optional[str]:
    """Return the application of an ``exten`` or ``same`` line, the device of a hint as if it were dialled."""
    key = entry.key.lower()
    if key not in ("exten", "same"):
        return None
    _, *rest = entry.value.split(",", 2) if key == "exten" else ["", *entry.value.split(",", 1)]
    if len(rest) != 2:  # noqa: PLR2004 - priority and application
        return None
    return f"Dial({rest[1]})" if rest[0].strip().lower() == "hint" else rest[1]


def values(text: str, place: Use) -> Iterator[Use]:
    """Yield the functions and variables that a text reads, and the commands within it."""
    if "$" in text:
        for name, arguments in expression.functions(text):
            yield of_kind(place, "function", name, arguments)
        for name in expression.variables(text):
            yield of_kind(place, "variable", name)
    yield from shell(text, place)


def shell(text: str, place: Use) -> Iterator[Use]:
    """Yield the CLI commands and AMI actions that a text sends."""
    for command in commands.remote(text):
        yield of_kind(place, "command", command)
    for name in commands.actions(text):
        yield of_kind(place, "action", name)


def application(text: str, place: Use, depth: int = 0) -> Iterator[Use]:
    """Yield an application call and the calls, assignments and devices in its arguments.

    ``depth`` counts the applications that it is given to; nobody means more than a few.
    """
    parsed = expression.call(text)
    if parsed is None or depth > _DEEPEST:
        return
    name, raw = parsed
    yield of_kind(place, "application", name, raw)
    yield from _inner(name.lower(), raw, place, depth)


def assigned(left: str, right: str, place: Use) -> Iterator[Use]:
    """Yield what ``left=right`` of a Set sets, and the device it may hold."""
    function = _ASSIGNED_FUNCTION.match(left)
    if function:
        use = of_kind(place, "function", function[1], function[2])
    else:
        use = of_kind(place, "variable", left)
    yield dataclasses.replace(use, assigned=right.strip().strip('"'))
    yield from _devices(right.strip().strip('"'), place)


def _inner(name: str, raw: str, place: Use, depth: int) -> Iterator[Use]:
    for inner in _run_by(name, raw):
        yield from application(inner, place, depth + 1)
    if name in ("set", "mset"):
        for left, right in expression.assignments(raw, several=name == "mset"):
            yield from assigned(left, right, place)
    if name in _SHELLS:
        for program in commands.programs(raw):
            yield of_kind(place, "utility", program)
    if name in _DIALS:
        yield from _devices(raw, place)


def _run_by(name: str, raw: str) -> Tuple[str, ...]:
    """Return the applications that an application was given to run."""
    if name in ("execif", "execiftime"):
        return expression.conditional(raw)
    if name in ("exec", "tryexec"):
        return (raw,)
    arguments = expression.split(raw) if name == "originate" else ()
    if len(arguments) > 2 and arguments[1].strip().lower() == "app":  # noqa: PLR2004
        return (f"{arguments[2]}({','.join(arguments[3:])})",)
    return ()


def _devices(text: str, place: Use) -> Iterator[Use]:
    if "/" in text:
        for name in expression.technologies(expression.split(text)[0]):
            yield of_kind(place, "technology", name)


def of_kind(place: Use, kind: str, name: str, raw: str = "") -> Use:
    """Return the use of a name at a place."""
    where, call, guess = place.where, place.dialplan, place.guessed
    return Use(kind, name, place.file, place.line, where, raw, dialplan=call, guessed=guess)
