"""Which attempt this is, whether the one before came to an end, and that there are not too many."""

from __future__ import annotations

import contextlib
import shutil

from switchroom.box import packages
from switchroom.box.firstboot import installed
from switchroom.box.firstboot.places import Places
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import fsync_dir, write_atomic

LIMIT = 4
AGAIN = "switchroom firstboot"


def begin(places: Places, unattended: bool) -> bool:
    """Note that an attempt begins and return whether the one before it was cut off in its middle.

    Raises SwitchroomError (ATTENTION) when nobody watches and as many attempts as are sensible were made,
    those that ended in a crash among them. A person at the machine may always try again.
    """
    made = _made(places) if unattended else 0
    if made >= LIMIT:
        raise SwitchroomError(
            f"The first boot was tried {made} times and did not come to its end.",
            cause=f"What it did is in '{places.log}'.",
            hint=f"Mend what stands in the way, then run: {AGAIN}",
            code=ExitCode.ATTENTION,
        )
    if not places.before.exists():
        write_atomic(places.before, "".join(f"{nevra}\n" for nevra in installed.nevras()).encode())
    torn = places.running.exists()
    write_atomic(places.attempts, f"{made + 1}\n".encode())
    write_atomic(places.running, b"")
    return torn


def last(places: Places) -> bool:
    """Return whether no further attempt will be made without a person."""
    return _made(places) >= LIMIT


def ended(places: Places) -> None:
    """Note that the attempt came to an end of its own; what it wrote is on the disk before that."""
    packages.sync(places.paths)
    places.running.unlink(missing_ok=True)
    fsync_dir(places.folder)


def done(places: Places) -> None:
    """Note that the first boot is done; what was only for it goes."""
    packages.sync(places.paths)
    places.due.unlink(missing_ok=True)
    fsync_dir(places.folder)
    for folder in (places.media, places.ansible):
        shutil.rmtree(folder, ignore_errors=True)
    for path in (places.running, places.attempts, places.before):
        path.unlink(missing_ok=True)


def _made(places: Places) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(places.attempts.read_text(encoding="utf-8"))
    return 0
