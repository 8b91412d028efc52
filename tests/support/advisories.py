"""A repository with updates, some of which are marked as security fixes."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Sequence
from xml.sax.saxutils import quoteattr

from support.small_rpms import Small, build

FIX, FEATURE = "lab-fix", "lab-feature"  # of each 1.0 and 1.1; only the first one's update is a security fix


def publish(folder: Path, also: Sequence[tuple[str, str, str, str]]) -> None:
    """Make the repository in ``folder``.

    ``also`` are packages of other repositories that it calls fixes too: name, version, release, architecture.
    """
    packages = [Small(name, version) for name in (FIX, FEATURE) for version in ("1.0", "1.1")]
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        for package in build(Path(scratch), *packages):
            shutil.copy(package, folder)
    listing = folder / "updateinfo.xml"
    own = ((FIX, "1.1", "1.lab", "noarch"), *also)
    listing.write_text("<updates>" + _advisory("LAB-1", own) + "</updates>")
    subprocess.run(["createrepo_c", "--quiet", folder], check=True)
    subprocess.run(["modifyrepo_c", listing, folder / "repodata"], check=True, stdout=subprocess.DEVNULL)


def _advisory(number: str, packages: Sequence[tuple[str, str, str, str]]) -> str:
    entries = "".join(
        f'<package name={quoteattr(name)} epoch="0" version={quoteattr(version)} release={quoteattr(release)}'
        f" arch={quoteattr(arch)}><filename>{name}.rpm</filename></package>"
        for name, version, release, arch in packages
    )
    return (
        f'<update from="lab" status="final" type="security" version="1"><id>{number}</id><title>Fix</title>'
        '<issued date="2026-11-01 00:00:00"/><updated date="2026-11-01 00:00:00"/>'
        "<severity>Important</severity>"
        f'<pkglist><collection short="lab"><name>lab</name>{entries}</collection></pkglist></update>'
    )
