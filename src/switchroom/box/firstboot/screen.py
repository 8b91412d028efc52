"""What a person at the machine sees: the console, and the login screen with address and state."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from typing import Iterable, List, Optional

import yaml

from switchroom.box.firstboot.places import Places
from switchroom.core import process, words
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import write_atomic

_CONSOLE = "/dev/console"
_DEVICE = re.compile(r"[A-Za-z0-9._-]{1,15}")
_MOST_DEVICES = 4


class Consoles(io.TextIOBase):
    """Writes to standard output, the journal for a unit, and to the machine's console as well.

    Not to the console while it asks for the first password.
    """

    def __init__(self, places: Places) -> None:
        super().__init__()
        self._places = places

    def write(self, text: str) -> int:
        """Write, and never fail for a console that is not there."""
        sys.stdout.write(text)
        sys.stdout.flush()
        if not self._places.question.exists():
            with contextlib.suppress(OSError):
                handle = os.open(_CONSOLE, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
                with os.fdopen(handle, "wb") as stream:
                    stream.write(words.lines(text).replace("\n", "\r\n").encode())
        return len(text)


def show(places: Places, state: Iterable[str]) -> None:
    """Put lines on the login screen, below the box's name and addresses, at once."""
    lines = ["Switchroom PBX  \\n", *_addresses(places), *map(_literal, state), ""]
    write_atomic(places.issue, "".join(f"{line}\n" for line in lines).encode())
    with contextlib.suppress(SwitchroomError):  # a box without terminals has no agetty
        process.run(["agetty", "--reload"], check=False)


def _addresses(places: Places) -> List[str]:
    """Return a line for each network device; agetty fills in the addresses, whenever they change."""
    folder = places.paths.root / "sys/class/net"
    names = sorted(path.name for path in folder.glob("*")) if folder.is_dir() else []
    devices = [name for name in names if name != "lo" and _DEVICE.fullmatch(name)][:_MOST_DEVICES]
    lines = [f"Address:  \\4{{{name}}}  \\6{{{name}}}  ({name})" for name in devices]
    return lines + ([f"Web:      https://\\4{{{devices[0]}}}/"] if devices and _has_web(places) else [])


def _literal(text: str) -> str:
    """Return a line that agetty shows as it is."""
    return "".join(character for character in text if character.isprintable()).replace("\\", "\\\\")


def _has_web(places: Places) -> bool:
    settings = variables(places)
    return settings.get("pbx_profile") == "freepbx" or bool(settings.get("pbx_provisioning"))


def variables(places: Places) -> dict[str, object]:
    """Return what the inventory says of this box; nothing where it cannot be read."""
    found: Optional[object] = None
    with contextlib.suppress(OSError, yaml.YAMLError):
        found = yaml.safe_load(places.inventory.read_text(encoding="utf-8"))
    for key in ("pbx", "vars"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
