"""Where dnf gets packages from while the first boot is at work: the medium's, which need no network.

dnf's configuration is covered in a mount namespace of this process and its children. Nothing of it is left
behind, whatever happens, and what systemd starts does not see it.
"""

from __future__ import annotations

import ctypes
import os

from switchroom.box.firstboot.places import Places
from switchroom.core import process

_CLONE_NEWNS = 0x00020000  # linux/sched.h


def use(places: Places) -> None:
    """Have this process and those it starts see the medium's packages, where the installation left any."""
    conf = places.media / "dnf.conf"
    if not conf.is_file():
        return
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    process.run(["mount", "--make-rprivate", "/"])
    process.run(["mount", "--bind", "-o", "ro", conf, places.paths.root / "etc/dnf/dnf.conf"])
