"""A further version of a series without compiling it: a built engine whose version is rewritten in place.

It is the same Asterisk under another number, and says so. Real is all that a switch sees: another package,
another prefix, another answer to ``core show version``.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Callable, Sequence

from lab.engines.keep import LabEngine, kept
from lab.engines.package import Contents, package, prefix
from lab.engines.tree import rewrite, unpack
from switchroom.catalog.model import Series
from switchroom.core.files import sha256


def relabel(original: Series, rpms: Sequence[Path], version: str) -> LabEngine:
    """Return the engine ``original`` (its RPM files among ``rpms``) as ``version``, of the same length."""
    about = (
        f"the binaries of Asterisk {original.version}\nunder another version number, made to test switching."
    )
    return altered(original, rpms, version, about, lambda _prefix: None)


def altered(
    original: Series, rpms: Sequence[Path], version: str, about: str, alter: Callable[[Path], None]
) -> LabEngine:
    """Relabel an engine whose prefix is then changed by ``alter``; ``about`` says what it is."""
    series = dataclasses.replace(original, version=version, source_version=original.version)
    ours = _files_of(original, rpms)
    facts = {"about": about, "from": {rpm.name: sha256(rpm) for rpm in ours}}

    def make(work: Path, into: Path) -> None:
        tree = work / "tree"
        unpack(ours, tree / "root")
        rewrite(tree / "root", original.version, version)
        _set_licences_apart(tree)
        alter(prefix(tree, series))
        package(series, Contents(tree, about), work, into)

    return kept(series, ("relabel.py", "broken.py"), facts, make)


def _files_of(series: Series, rpms: Sequence[Path]) -> list[Path]:
    """Return the packages that hold an engine's files: its own and its parts', not the metas."""
    return sorted(rpm for rpm in rpms if rpm.name.startswith(f"{series.engine}-"))


def _set_licences_apart(tree: Path) -> None:
    share = tree / "root/usr/share"
    (licences,) = (share / "licenses").iterdir()
    shutil.move(licences, tree / "licences")
    shutil.rmtree(share)
