"""What kind of machine builds: an EL host makes ``.elN`` packages, any other makes ``.lab`` ones."""

from __future__ import annotations

import functools
from typing import Dict

from switchroom.core import process


@functools.cache
def is_el() -> bool:
    """Return whether rpm itself says that this is Enterprise Linux."""
    return process.output(["rpm", "--eval", "%{?rhel}"], what="Asking rpm for its release") != ""


@functools.cache
def installed_packages() -> Dict[str, str]:
    """Return the version of every package installed by the machine's own package manager, by name."""
    query = ["rpm", "-qa", "--qf", r"%{NAME} %{VERSION}-%{RELEASE}\n"]
    if not is_el():
        query = ["dpkg-query", "-W", "-f", r"${Package} ${Version} ${db:Status-Status}\n"]
    rows = [line.split() for line in process.output(query, what="Listing installed packages").splitlines()]
    return {
        row[0]: row[1] for row in rows if len(row) > 1 and row[-1] not in ("config-files", "not-installed")
    }
