"""Builds the packages of one source and keeps them under a key of their description."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import List, Tuple

from lab.rpms import debian, tree
from lab.rpms.debian import LICENCE
from lab.rpms.libraries import Libraries, is_elf, shared
from lab.rpms.model import Outlet, Source
from lab.rpms.spec import Laid, render
from lab.stub import RPM_HOME
from switchroom.build.keys import development_key
from switchroom.build.workspace import cache_dir, source_date_epoch
from switchroom.catalog.load import load_catalog
from switchroom.core import process
from switchroom.core.files import staging


def ensure(source: Source, outlet: Outlet) -> Tuple[Path, ...]:
    """Return the signed RPM files of a source as an outlet has them, built if they are not kept.

    The caller holds the lock of the lab's packages.
    """
    folder = cache_dir("lab", "rpms") / f"{source.name}-{source.key(outlet)}"
    if not folder.is_dir():
        with staging(folder.parent) as scratch:
            _build(source, outlet, scratch)
            for path in (scratch / "packages").iterdir():
                _flush(path)  # a power cut after the rename must not leave empty files under the final name
            (scratch / "packages").rename(folder)
    return tuple(sorted(folder.glob("*.rpm")))


def sweep() -> None:
    """Remove what killed builders left; the caller holds the lock of the lab's packages."""
    for dead in cache_dir("lab", "rpms").glob(".staging-*"):
        shutil.rmtree(dead)


def _build(source: Source, outlet: Outlet, scratch: Path) -> None:
    laid = _lay(source, scratch)
    spec = scratch / f"{source.name}.spec"
    spec.write_text(render(laid, outlet))
    (scratch / "packages").mkdir()
    layout = {
        "_topdir": str(scratch / "rpmbuild"),
        "_rpmdir": str(scratch / "packages"),
        "_build_name_fmt": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
        "_binary_payload": "w3.zstdio",
        "_unpackaged_files_terminate_build": "0",
    }
    defines = [word for name, value in layout.items() for word in ("--define", f"{name} {value}")]
    process.run(
        ["rpmbuild", "-bb", "--nodeps", *defines, spec],
        what=f"Packaging '{source.name}' for the lab",
        env={**RPM_HOME, "LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": str(_epoch())},
    )
    development_key().sign_rpms(sorted((scratch / "packages").glob("*.rpm")), _epoch())


def _lay(source: Source, scratch: Path) -> Laid:
    """Lay a source's files out; the libraries they need come along."""
    root, home = scratch / "root", f"/usr/lib64/lab/{source.name}"
    root.mkdir()
    if not source.debian:
        tree.lay_out(source, root)
        return Laid(source, source.version, root, home)
    shelf = debian.shelf(source.suite)
    for package in source.debian:
        shelf.unpack(package, root)
    tree.lay_out(source, root)
    programs = _programs(source, root)
    brought = Libraries(shelf, home, source.own_c_library).bring(root, programs)
    kept = root / tree.licences(source)[1:]
    for library in (shelf.library(name) for name in brought):
        if library.with_name(LICENCE).exists():
            shutil.copyfile(library.with_name(LICENCE), kept / library.parent.name)
    return Laid(source, shelf.version(source.version_of), root, home, brought, shared(programs))


def _programs(source: Source, root: Path) -> List[Path]:
    entries = (entry for package in source.packages for entry in tree.claimed(package, root))
    return sorted({path for path in (root / entry.path[1:] for entry in entries) if is_elf(path)})


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _epoch() -> int:
    return source_date_epoch(load_catalog().epoch)
