"""Asterisk 16 without compiling it: Debian's binaries, with their libraries, under the layout of our spec.

16 to 22 is the hardest switch a real box makes: chan_sip, macros and more are gone afterwards. Debian's
suite ``bullseye`` is past its support: once its archive drops Asterisk, nothing here can bring it back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from pathlib import Path
from typing import Iterator

from lab.engines.keep import LabEngine, find, kept
from lab.engines.libraries import bring_libraries
from lab.engines.package import Contents, package, prefix
from lab.engines.tree import replace_bytes
from switchroom.build.debian.apt import Suite, upstream_version
from switchroom.build.debian.origin import find_origin
from switchroom.build.workspace import cache_dir
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Series
from switchroom.core import process
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import write_atomic

SUITE = "bullseye"
KEY = "16"

_HINT = "The lab goes on without it: series 99 takes its place as the other major."

_CODE = ("repack.py", "libraries.py")
_PROGRAMS = (
    "astcanary",
    "astdb2bdb",
    "astdb2sqlite3",
    "asterisk",
    "astgenkey",
    "astversion",
    "safe_asterisk",
)
_DATA = ("documentation", "rest-api", "static-http")
_SHARED = ("agi-bin", "firmware", "keys", "moh", "phoneprov", "sounds")
# Where Debian's program looks by itself, and where a stock one does, of which asterisk-common has the links.
_STOCK_PATHS = {
    b"/usr/lib/asterisk/modules": b"/lib64/asterisk/modules",  # the same folder; the long form does not fit
    b"/usr/share/asterisk": b"/var/lib/asterisk",
}


class NotOfferedError(SwitchroomError):
    """The suite cannot be reached, or has no Asterisk 16 any more."""


def ensure_16() -> LabEngine:
    """Return Debian's Asterisk 16 as an engine; made once (half a minute, 75 MB fetched), then kept.

    Raises NotOfferedError when the suite cannot be reached, or offers no Asterisk of that series any more.
    """
    known = _series(_record().read_text()) if _record().exists() else None
    # What is kept needs no network; what is not is asked for anew, because the suite moves on.
    return (known and find(known, _CODE, _facts(known))) or _make(_series(_ask_suite()))


def _make(series: Series) -> LabEngine:
    def make(work: Path, into: Path) -> None:
        debian, tree = work / "debian", work / "tree"
        _fetch(series.source_version, work / "debs", debian)
        _lay_out(debian, tree, series)
        private = bring_libraries(debian, prefix(tree, series), f"/{_on_box(tree, series)}/lib")
        _point_at_stock_paths(prefix(tree, series) / "sbin/asterisk")
        package(series, Contents(tree, _about(series), private), work, into)

    return kept(series, _CODE, _facts(series), make)


def _facts(series: Series) -> dict[str, str]:
    return {"suite": SUITE, "debian": series.source_version}


def _about(series: Series) -> str:
    return f"""Debian's own binaries of Asterisk, package
version {series.source_version}, with the libraries they need, from the suite
{SUITE}, repacked under this layout to test switching. Licences as Debian
states them are in share/copyright; the sources are Debian's source packages."""


def _series(debian_version: str) -> Series:
    known = load_catalog().series[KEY]
    version = upstream_version(debian_version)
    return dataclasses.replace(known, version=version, source_version=debian_version, build=1)


def _record() -> Path:
    return cache_dir("lab", "engines") / f"{SUITE}-asterisk"


def _ask_suite() -> str:
    suite = _suite()
    with _explained():
        suite.update()
    version = suite.binary_version("asterisk")
    if version is None or not upstream_version(version).startswith(f"{KEY}."):
        raise NotOfferedError(
            f"The Debian suite '{SUITE}' offers no Asterisk {KEY} any more, but {version or 'none at all'}.",
            hint=_HINT,
        )
    write_atomic(_record(), version.encode())
    return version


def _suite() -> Suite:
    process.require("apt-get", "apt-cache", "dpkg-deb", "patchelf")
    return Suite(SUITE, find_origin(), cache_dir("apt", SUITE))


def _fetch(version: str, archives: Path, target: Path) -> None:
    """Download the package and all it depends on, verified by apt, and unpack it below ``target``."""
    (archives / "partial").mkdir(parents=True)
    apt = ["apt-get", "-q", "--yes", *_suite().options(), "-o", f"Dir::Cache::archives={archives}/"]
    wanted = [f"asterisk={version}", f"asterisk-config={version}", f"asterisk-modules={version}"]
    with _explained():
        process.run(
            [*apt, "--no-install-recommends", "--download-only", "install", *wanted],
            what=f"Fetching Asterisk {KEY} from the Debian suite '{SUITE}'",
            env={"LC_ALL": "C"},
        )
    for deb in sorted(archives.glob("*.deb")):
        process.run(["dpkg-deb", "--extract", deb, target])


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Say of a failure of apt what it means for the lab."""
    try:
        yield
    except SwitchroomError as error:
        raise NotOfferedError(error.message, cause=error.cause, hint=_HINT) from error


def _on_box(tree: Path, series: Series) -> Path:
    return prefix(tree, series).relative_to(tree / "root")


def _lay_out(debian: Path, tree: Path, series: Series) -> None:
    """Put what belongs to the engine where our spec puts it."""
    home = prefix(tree, series)
    (home / "sbin").mkdir(parents=True)
    for name in _PROGRAMS:
        shutil.copy2(debian / "usr/sbin" / name, home / "sbin")
    (home / "sbin/rasterisk").symlink_to("asterisk")
    shutil.copytree(debian / "usr/lib/asterisk/modules", home / "modules")
    for name in _DATA:
        shutil.copytree(debian / "usr/share/asterisk" / name, home / "share" / name)
    for name in _SHARED:
        (home / "share" / name).symlink_to(f"/var/lib/asterisk/{name}")
    _samples(debian / "etc/asterisk", home / "share/samples")
    _licences(debian, tree, home)


def _samples(source: Path, target: Path) -> None:
    """Copy the sample configuration under the names that upstream's sources give it."""
    target.mkdir()
    for path in sorted(path for path in source.iterdir() if path.is_file()):
        name = f"{path.name}.sample" if path.suffix == ".conf" else path.name
        shutil.copy2(path, target / name)


def _licences(debian: Path, tree: Path, home: Path) -> None:
    (tree / "licences").mkdir()
    shutil.copy2(debian / "usr/share/doc/asterisk/copyright", tree / "licences/LICENSE")
    # Debian's policy has the licence's text on every machine instead of in every package.
    shutil.copy2("/usr/share/common-licenses/GPL-2", tree / "licences/COPYING")
    (home / "share/copyright").mkdir()
    for path in sorted((debian / "usr/share/doc").glob("*/copyright")):
        if path.is_file():
            shutil.copy2(path, home / "share/copyright" / path.parent.name)


def _point_at_stock_paths(program: Path) -> None:
    """Replace the paths compiled in, so that a configuration that names none works as with our own engines.

    Filled up with slashes in front: other strings may share the end of these, so the end must not move.
    """
    for debian, stock in _STOCK_PATHS.items():
        if not replace_bytes(program, debian, stock.rjust(len(debian), b"/")):
            raise SwitchroomError(f"Debian's Asterisk does not look in '{os.fsdecode(debian)}' any more.")
