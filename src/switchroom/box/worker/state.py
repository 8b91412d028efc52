"""The folders that the worker trusts: root's, and nothing in them that is not what it should be.

Whoever once got root to make a folder or a file there cannot keep a box from its switches and its updates
with it: what is no transaction and no plan is set aside with a word.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Callable

from switchroom.box.paths import Paths
from switchroom.box.switch import journal, plan
from switchroom.box.switch.journal import Kind
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import fsync_dir

_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_LONGEST_PLAN = 1 << 20  # bytes
_ODD = (AttributeError, LookupError, TypeError, ValueError)  # what reading words of another shape ends in

Say = Callable[[str], None]


def own(paths: Paths, say: Say) -> None:
    """Make the folders of what outlives a reboot and of what does not, for root alone to write.

    What stands in the place of one, or could be written by others, is set aside with all that is in it.
    """
    for folder, mode in ((paths.state, 0o755), (paths.runtime, 0o700)):
        reason = _no_folder(folder)
        if reason:
            set_aside(folder, reason, say)
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    os.chmod(paths.runtime, 0o700)


def tidy(paths: Paths, say: Say) -> None:
    """Set aside what stands where a transaction, a plan or a folder of ours should and is none."""
    found = [(paths.transaction, no_transaction(paths)), (paths.plan, _no_plan(paths))]
    found += [(folder, _no_folder(folder)) for folder in (paths.history, paths.packages)]
    for path, reason in found:
        if reason:
            set_aside(path, reason, say)


def no_transaction(paths: Paths) -> str:
    """Return why what stands in the transaction's place is none; empty when it is one, or nothing is there.

    A journal that was damaged after its beginning is a transaction: something was changed already.
    """
    file = paths.transaction / journal.FILE
    reason = fault(paths.transaction, stat.S_ISDIR) or fault(file, stat.S_ISREG) or _no_beginning(file)
    return reason if os.path.lexists(paths.transaction) else ""  # it may have ended meanwhile


def fault(path: Path, kind: Callable[[int], bool]) -> str:
    """Return why a path itself is not what it should be, and ours alone to write; empty when it is."""
    try:
        about = path.lstat()
    except FileNotFoundError:
        return f"there is no '{path.name}' in it"
    if not kind(about.st_mode):
        return f"'{path}' is of another kind"
    if about.st_uid not in (0, os.geteuid()) or about.st_mode & _OTHERS:
        return f"'{path}' can be changed by others than root"
    return ""


def _no_folder(path: Path) -> str:
    return fault(path, stat.S_ISDIR) if os.path.lexists(path) else ""


def _no_beginning(file: Path) -> str:
    try:
        records = journal.read(file)
        if not records or records[0].kind is not Kind.BEGIN:
            return "its journal has no beginning"
        plan.Plan.from_dict(records[0].data)
    except FileNotFoundError:
        return "its journal is gone"
    except SwitchroomError:  # damaged; what is left of it tells that it was one
        return ""
    except _ODD as error:
        return f"its journal begins with no plan: {error}"
    return ""


def _no_plan(paths: Paths) -> str:
    if not os.path.lexists(paths.plan):
        return ""
    reason = fault(paths.plan, stat.S_ISREG)
    if reason:
        return reason
    if paths.plan.stat().st_size > _LONGEST_PLAN:
        return f"it has more than {_LONGEST_PLAN} bytes"
    try:
        plan.submitted(paths)
    except (SwitchroomError, *_ODD) as error:
        return f"it cannot be read: {error}"
    return ""


def set_aside(path: Path, reason: str, say: Say) -> None:
    """Rename what stands in the way, for somebody to look at, and say so."""
    when = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    aside = path.with_name(f"{path.name}.set-aside-{when}-{os.getpid()}")
    os.rename(path, aside)
    fsync_dir(path.parent)
    say(f"'{path}' is not what should stand there ({reason}). It was set aside: '{aside}'.")
