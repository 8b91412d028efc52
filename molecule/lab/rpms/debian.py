"""All Debian packages of a suite that the lab's are made from, and what they need; apt verifies them."""

from __future__ import annotations

import functools
import io
import os
import re
import tarfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Dict, List, Mapping

from lab.base import ensure_base
from lab.recipe import load_recipe
from lab.rpms.model import sources
from switchroom.build.debian.apt import Suite, upstream_version
from switchroom.build.debian.origin import find_origin
from switchroom.build.workspace import cache_dir
from switchroom.core import process
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import staging

LICENCE = "copyright"  # beside the libraries of a package

_ONE_AT_A_TIME = threading.Lock()
_FRESH_SECONDS = 12 * 3600.0
_PLANNED = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) .*\[(\S+)\]\)", re.MULTILINE)
_LIBRARY = re.compile(r"\./(?:usr/)?lib(?:64)?/(?:x86_64-linux-gnu/)?(?:[^/]+/)?[^/]+\.so(?:\.[^/]*)?")
_LICENCE = re.compile(r"\./usr/share/doc/[^/]+/copyright")


@dataclass(frozen=True)
class Shelf:
    """A suite's packages, as files by name; the libraries of each are in a flat folder of its own."""

    debs: Mapping[str, Path]

    def version(self, package: str) -> str:
        """Return the upstream version of a package."""
        return upstream_version(self.debs[package].name.split("_")[1].replace("%3a", ":"))

    def unpack(self, package: str, target: Path) -> None:
        """Unpack a package's files below ``target``."""
        process.run(["dpkg-deb", "--extract", self.debs[package], target])

    def library(self, name: str) -> Path:
        """Return the file of a shared library; raises SwitchroomError when no package has it."""
        places = (_folder(deb) / name for deb in self.debs.values())
        found = next((path for path in places if path.exists()), None)
        if found is None:
            raise SwitchroomError(f"The library '{name}' is in no Debian package that was fetched.")
        return found


def shelf(suite: str) -> Shelf:
    """Return what all sources of a suite are made from, fetched and verified by apt at the first call."""
    with _ONE_AT_A_TIME:
        return _shelf(suite)


@functools.cache
def _shelf(suite: str) -> Shelf:
    wanted = sorted({package for source in sources() if source.suite == suite for package in source.debian})
    debs = fetch(suite, wanted)
    for deb in (deb for deb in debs.values() if not _folder(deb).is_dir()):
        with staging(deb.parent) as stage:
            (stage / "libraries").mkdir()
            _extract(deb, stage / "libraries")
            (stage / "libraries").rename(_folder(deb))
    return Shelf(debs)


def fetch(suite: str, packages: List[str]) -> Dict[str, Path]:
    """Return the files of packages of a suite, and of what these need beyond the lab base, by name."""
    archives = cache_dir("lab", "debs", suite)
    for name in ("libraries", "partial"):
        (archives / name).mkdir(exist_ok=True)
    folders = {"Dir::Cache::archives": f"{archives}/", **_installed(suite)}
    options = [word for name, value in folders.items() for word in ("-o", f"{name}={value}")]
    apt = ["apt-get", "-q", *_suite(suite).options(), *options, "--yes", "--no-install-recommends"]
    # What the base has of the same suite is not fetched, unless it is asked for.
    install = [*apt, "--reinstall", "install"]
    plan = process.output([*install, "--simulate", *packages], env={"LC_ALL": "C"})
    what = f"Fetching packages of the Debian suite '{suite}'"
    process.run([*install, "--download-only", *packages], what=what, env={"LC_ALL": "C"})
    return {
        name: archives / f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"
        for name, version, architecture in _PLANNED.findall(plan)
    }


def _folder(deb: Path) -> Path:
    return deb.parent / "libraries" / deb.stem


def _extract(deb: Path, target: Path) -> None:
    """Take the libraries and the licence out of a package."""
    stream = io.BytesIO(process.run(["dpkg-deb", "--fsys-tarfile", deb]).stdout)
    with tarfile.open(fileobj=stream) as archive:
        for member in archive:
            place = target / PurePosixPath(member.name).name
            if _LICENCE.fullmatch(member.name) or _LIBRARY.fullmatch(member.name):
                if member.issym() and not os.path.lexists(place):
                    place.symlink_to(PurePosixPath(member.linkname).name)
                elif member.isfile():
                    _write(archive, member, place)


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    data = archive.extractfile(member)
    if data is None:
        raise SwitchroomError(f"'{member.name}' is no file in its package.")
    place.write_bytes(data.read())
    place.chmod(0o755 if member.mode & 0o100 else 0o644)


def _installed(suite: str) -> Dict[str, str]:
    """Return apt's setting for what a box has already, which is not fetched: of another suite, nothing."""
    if suite != load_recipe().suite:
        return {}
    return {"Dir::State::status": str(ensure_base() / "var/lib/dpkg/status")}


def _suite(name: str) -> Suite:
    process.require("apt-get", "dpkg-deb")
    state = cache_dir("apt", name)
    suite, stamp = Suite(name, find_origin(), state), state / "stand-ins"
    if not stamp.exists() or stamp.stat().st_mtime < time.time() - _FRESH_SECONDS:
        suite.update()
        stamp.touch()
    return suite
