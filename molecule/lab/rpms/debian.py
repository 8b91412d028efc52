"""Debian packages of a suite with all they need, unpacked; apt itself verifies what it fetches."""

from __future__ import annotations

import functools
import re
import time
from pathlib import Path
from typing import Dict, List, Sequence

from lab.base import ensure_base
from lab.recipe import load_recipe
from switchroom.build.debian.apt import Suite, upstream_version
from switchroom.build.debian.origin import find_origin
from switchroom.build.workspace import cache_dir
from switchroom.core import process
from switchroom.core.errors import SwitchroomError
from switchroom.core.process import Arg

_FRESH_SECONDS = 12 * 3600.0
_PLANNED = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) .*\[(\S+)\]\)", re.MULTILINE)


def unpack(suite: str, packages: Sequence[str], target: Path) -> None:
    """Fetch ``packages`` and all they depend on, and unpack them below ``target``."""
    archives = cache_dir("lab", "debs", suite)
    (archives / "partial").mkdir(exist_ok=True)
    folders = {"Dir::Cache::archives": f"{archives}/", **_installed(suite)}
    options = [word for name, value in folders.items() for word in ("-o", f"{name}={value}")]
    apt: List[Arg] = ["apt-get", "-q", *_suite(suite).options(), *options]
    install = [*apt, "--yes", "--no-install-recommends", "--reinstall", "install"]
    what = f"Fetching '{packages[0]}' from the Debian suite '{suite}'"
    plan = process.output([*install, "--simulate", *packages], env={"LC_ALL": "C"})
    process.run([*install, "--download-only", *packages], what=what, env={"LC_ALL": "C"})
    for name, version, architecture in _PLANNED.findall(plan):
        deb = archives / f"{name.partition(':')[0]}_{version.replace(':', '%3a')}_{architecture}.deb"
        process.run(["dpkg-deb", "--extract", deb, target])


def _installed(suite: str) -> Dict[str, str]:
    """Return apt's setting for what a box has already, which is not fetched: of another suite, nothing."""
    if suite != load_recipe().suite:
        return {}
    return {"Dir::State::status": str(ensure_base() / "var/lib/dpkg/status")}


def version(suite: str, package: str) -> str:
    """Return the upstream version of a package as the suite offers it."""
    found = _suite(suite).binary_version(package)
    if found is None:
        raise SwitchroomError(
            f"The Debian suite '{suite}' offers no package '{package}'.",
            hint="Name another suite or package in molecule/lab/rpms/sources.",
        )
    return upstream_version(found)


@functools.cache
def _suite(name: str) -> Suite:
    process.require("apt-get", "apt-cache", "dpkg-deb")
    state = cache_dir("apt", name)
    suite, stamp = Suite(name, find_origin(), state), state / "stand-ins"
    if not stamp.exists() or stamp.stat().st_mtime < time.time() - _FRESH_SECONDS:
        suite.update()
        stamp.touch()
    return suite
