"""Takes from a new system what tells of the machine that made it, and what no two machines may share.

What is removed is gone from the disk too: :func:`switchroom.build.image.storage.trim` gives its room back.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

_HISTORY = "var/lib/dnf/history.sqlite"
_NO_LOGIN = -1  # as libdnf keeps the login id of a process that no login began
_FROM_OUTSIDE = "%--installroot%"
_GONE = (
    "etc/ssh/ssh_host_*",
    "root/.gnupg",
    "tmp/*",
    "var/cache/dnf/*",
    "var/cache/ldconfig/*",
    "var/lib/dbus/machine-id",
    "var/lib/systemd/credential.secret",
    "var/lib/systemd/random-seed",
    "var/log/dnf*",
    "var/log/hawkey*",
    "var/log/journal/*",
    "var/tmp/*",
)


def remove(root: Path) -> None:
    """Leave a system that knows neither its builder nor a name of its own; its first start makes one.

    dnf's history stays, for it says why each package is there; who ran dnf, and how from outside, does not.
    """
    (root / "etc/machine-id").write_text("")  # empty: systemd makes one at the first boot
    home = root.resolve()
    for path in (path for pattern in _GONE for path in root.glob(pattern)):
        if path.parent.resolve().is_relative_to(home):  # not where a link leads out of it
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    _forget_who(root / _HISTORY)


def _forget_who(history: Path) -> None:
    """Take the builder from dnf's history; the schema is libdnf's, ``libdnf/transaction/sql/create.sql``."""
    with contextlib.closing(sqlite3.connect(history)) as database:
        with database:
            database.execute("UPDATE trans SET user_id = ?", (_NO_LOGIN,))
            database.execute("UPDATE trans SET cmdline = '' WHERE cmdline LIKE ?", (_FROM_OUTSIDE,))
        database.execute("VACUUM")  # else the old text stays in free pages
