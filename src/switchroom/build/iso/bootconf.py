"""What a medium's own boot menus start: read from isolinux's and GRUB's configuration.

Nothing is edited there: the menus are replaced as a whole. They are read to say what gets lost by that.
Written to take what is found on media: tabs or spaces, empty ``append`` lines, quoted labels, any case.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Collection, FrozenSet, List, Optional, Tuple

# What the distributions' menus and ours pass anyway.
_USUAL = frozenset(
    [
        "BOOT_IMAGE",
        "console",
        "fips",
        "initrd",
        "inst.repo",
        "inst.rescue",
        "inst.stage2",
        "inst.text",
        "nomodeset",
        "quiet",
        "rd.live.check",
        "rescue",
        "vga",
        "inst.xdriver",
        "inst.ks",
        "ks",
    ]
)
_NOT_TOLD = ("$", "switchroom.")  # variables of GRUB, and what an image of this product passes
_GRUB_LINUX = ("linux", "linuxefi", "linux16")
_ON_MEDIUM = re.compile(
    r"(?:hd:(?:LABEL|UUID)=[^:]*:|cdrom:(?:/dev/[^:]*:)?|file:/run/install/repo)(?P<path>/.+)"
)


@dataclass(frozen=True)
class Entry:
    """One thing to start: its label as shown, and the words for the kernel."""

    label: str
    arguments: Tuple[str, ...]


def isolinux_entries(text: str) -> Tuple[Entry, ...]:
    """Return the entries of an ``isolinux.cfg`` that have a kernel."""
    found: List[Entry] = []
    label, kernel, arguments = "", False, ()  # type: Tuple[str, bool, Tuple[str, ...]]

    def done() -> None:
        if kernel:
            found.append(Entry(label, arguments))

    for line in text.splitlines():
        keyword, rest = _split(line)
        if keyword == "label":
            done()
            label, kernel, arguments = rest, False, ()
        elif keyword == "menu" and rest.lower().startswith("label"):
            label = _split(rest)[1].replace("^", "")
        elif keyword in ("kernel", "linux"):
            kernel = True
        elif keyword == "append":
            arguments = tuple(rest.split())
    done()
    return tuple(found)


def grub_entries(text: str) -> Tuple[Entry, ...]:
    """Return the entries of a ``grub.cfg`` that start a kernel."""
    found: List[Entry] = []
    label = ""
    for line in text.splitlines():
        words = _words(line)
        if words[:1] == ["menuentry"] and len(words) > 1:
            label = words[1]
        elif words[:1] and words[0] in _GRUB_LINUX:
            found.append(Entry(label, tuple(words[2:])))
    return tuple(found)


def kickstarts(entries: Collection[Entry]) -> Tuple[str, ...]:
    """Return the values of ``inst.ks=`` (or ``ks=``) in the entries."""
    words = (word.partition("=") for entry in entries for word in entry.arguments)
    return tuple(sorted({value for name, _, value in words if name in ("inst.ks", "ks") and value}))


def path_on_medium(kickstart: str) -> Optional[str]:
    """Return the path on the medium that a value of ``inst.ks=`` leads to, or None if it lies elsewhere."""
    found = _ON_MEDIUM.fullmatch(kickstart)
    return found["path"].strip("/") if found else None


def unusual(entries: Collection[Entry]) -> FrozenSet[str]:
    """Return the arguments that neither the distributions' own menus have nor ours."""
    words = {word for entry in entries for word in entry.arguments}
    return frozenset(
        word for word in words if word.partition("=")[0] not in _USUAL and not word.startswith(_NOT_TOLD)
    )


def _split(line: str) -> Tuple[str, str]:
    """Split a line at its first run of blanks; the keyword is in lower case."""
    parts = line.strip().split(None, 1)
    return (parts[0].lower() if parts else "", parts[1].strip() if len(parts) > 1 else "")


def _words(line: str) -> List[str]:
    """Return a line's words; backslashes stay, and quotes that do not match are only taken off."""
    line = line.strip()
    if line.startswith("#"):
        return []
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
    try:
        return list(lexer)
    except ValueError:
        return [word.strip("'\"") for word in line.split()]
