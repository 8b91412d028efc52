"""Builds the packages of one source and keeps them under a key of their description."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import List, Tuple

from lab.rpms import debian, tree
from lab.rpms.libraries import Libraries, is_elf
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
            os.sync()  # a power cut after the rename must not leave empty files under the final name
            (scratch / "packages").rename(folder)
    return tuple(sorted(folder.glob("*.rpm")))


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
    """Fetch a source's files and lay them out; the libraries they need come along."""
    unpacked, root, home = scratch / "debian", scratch / "root", f"/usr/lib64/lab/{source.name}"
    unpacked.mkdir()
    if source.debian:
        debian.unpack(source.suite, source.debian, unpacked)
    shutil.copytree(unpacked, scratch / "libraries", symlinks=True, copy_function=_link)
    tree.lay_out(source, unpacked, root)
    libraries = Libraries(scratch / "libraries", home, source.own_c_library)
    private = libraries.bring(root, _programs(source, root))
    version = source.version or debian.version(source.suite, source.version_of)
    return Laid(source, version, root, home, private)


def _programs(source: Source, root: Path) -> List[Path]:
    entries = (entry for package in source.packages for entry in tree.claimed(package, root))
    return sorted({path for path in (root / entry.path[1:] for entry in entries) if is_elf(path)})


def _link(old: str, new: str) -> None:
    os.link(old, new, follow_symlinks=False)


def _epoch() -> int:
    return source_date_epoch(load_catalog().epoch)
