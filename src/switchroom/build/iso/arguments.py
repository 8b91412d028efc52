"""Kernel arguments that the person who builds adds to the boot menu's entries, or takes from them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Sequence

from switchroom.build.iso.menus import Entry, Menu, Submenu
from switchroom.core.errors import ExitCode, SwitchroomError

_COMMAND_LINE = 2047  # bytes the kernel takes on x86
# What neither boot loader gives a meaning of its own; a backslash only as udev writes it, as in "\x20".
_ARGUMENT = re.compile(r"(?:[A-Za-z0-9._,:/=@%+~^!*?()\[\]-]|\\x[0-9a-f]{2})+")
_OURS = frozenset({"inst.stage2", "inst.ks", "switchroom.asterisk", "initrd"})


def with_arguments(menu: Menu, add: Sequence[str], remove: Sequence[str]) -> Menu:
    """Return the menu with more kernel arguments, and without some, in every entry that starts a kernel.

    ``remove`` names an argument (``quiet``, ``inst.text``) or one with its value (``console=tty0``). Raises
    SwitchroomError for one that the menu needs or does not have, and for lines too long for a kernel.
    """
    for word in (*add, *remove):
        _check_argument(word)
    present = {word for entry in menu.entries() for word in entry.arguments or ()}
    for word in remove:
        if not any(_matches(one, word) for one in present):
            raise _bad_argument(word, f"is in no entry of the menu; there are: {' '.join(sorted(present))}")

    def changed(entry: Entry) -> Entry:
        if entry.arguments is None:
            return entry
        kept = [one for one in entry.arguments if not any(_matches(one, word) for word in remove)]
        return replace(entry, arguments=(*kept, *add))

    result = replace(
        menu,
        items=tuple(
            replace(item, entries=tuple(map(changed, item.entries)))
            if isinstance(item, Submenu)
            else changed(item)
            for item in menu.items
        ),
    )
    longest = max(len(" ".join(entry.arguments or ())) for entry in result.entries())
    if longest > _COMMAND_LINE:
        raise _bad_argument(
            add[-1], f"makes a command line of {longest} bytes; a kernel takes {_COMMAND_LINE}"
        )
    return result


def _matches(argument: str, word: str) -> bool:
    return argument == word or argument.partition("=")[0] == word


def _check_argument(word: str) -> None:
    if not _ARGUMENT.fullmatch(word):
        raise _bad_argument(word, "may hold letters, digits, ._,:/=@%+~^!*?()[]- and \\x20 and its like only")
    if word.partition("=")[0] in _OURS:
        raise _bad_argument(word, "is what the installation hangs on; it cannot be changed")


def _bad_argument(word: str, why: str) -> SwitchroomError:
    return SwitchroomError(
        f"The boot argument '{word}' {why}.",
        hint="See --boot-arg and --remove-arg in: switchroom build iso --help",
        code=ExitCode.USAGE,
    )
