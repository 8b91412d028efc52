"""ansible-core as a box of Enterprise Linux has it: its own releases from PyPI, packaged for the lab.

EL9 carries 2.14, EL10 carries 2.16. It lies in a folder of its own, beside the libraries that Debian's Python
lacks.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from lab.stub import RPM_HOME
from switchroom.build.keys import development_key
from switchroom.build.workspace import cache_dir, source_date_epoch
from switchroom.catalog.load import load_catalog
from switchroom.core import lock, process
from switchroom.core.files import staging

RELEASES = {"el9": "2.14.18", "el10": "2.16.14"}

_SPEC = Path(__file__).with_name("ansible-core.spec")
# resolvelib below 0.9 fits both releases; only ansible-vault needs cryptography.
_LIBRARIES = ("resolvelib==0.8.1", "packaging", "cryptography", "cffi", "pycparser")
_SECONDS = 900.0


def ansible_core(dress: str) -> Path:
    """Return the signed package of ansible-core that boxes of a dress get, made first if it is not kept.

    Needs PyPI for what was not made before.
    """
    (package,) = (_kept(dress) / "packages").glob("*.rpm")
    return package


def ansible_code(dress: str) -> Path:
    """Return the folder with the same release's Python code, for ``PYTHONPATH``."""
    return _kept(dress) / "site"


def _kept(dress: str) -> Path:
    version = RELEASES[dress]
    digest = hashlib.sha256(
        f"{version}\0{_LIBRARIES}\0".encode() + _SPEC.read_bytes() + Path(__file__).read_bytes()
    )
    folder = cache_dir("lab", "ansible") / f"{version}-{digest.hexdigest()[:16]}"
    with lock.exclusive(folder.parent / ".lock", what="the lab's ansible-core", wait=_SECONDS):
        if not folder.is_dir():
            _make(version, folder)
    return folder


def _make(version: str, folder: Path) -> None:
    with staging(folder.parent) as scratch:
        wheels = scratch / "wheels"
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        what = f"Getting ansible-core {version} from PyPI"
        process.run(
            [*pip, "download", "--no-deps", "--dest", wheels, f"ansible-core=={version}", *_LIBRARIES],
            what=what,
        )
        options = ["--no-deps", "--no-index", "--no-compile", "--no-warn-script-location"]
        process.run(
            [*pip, "install", *options, "--target", scratch / "kept/site", *wheels.glob("*.whl")], what=what
        )
        for unwanted in ("bin", "ansible_test"):  # EL has ansible-test in a package of its own
            shutil.rmtree(scratch / "kept/site" / unwanted, ignore_errors=True)
        _package(version, scratch)
        os.sync()  # a power cut after the rename must not leave empty files under the final name
        (scratch / "kept").rename(folder)


def _package(version: str, scratch: Path) -> None:
    settings = {
        "_topdir": scratch / "rpmbuild",
        "_rpmdir": scratch / "kept/packages",
        "_build_name_fmt": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
        "lab_version": version,
        "lab_site": scratch / "kept/site",
    }
    defines = [word for name, value in settings.items() for word in ("--define", f"{name} {value}")]
    epoch = source_date_epoch(load_catalog().epoch)
    environment = {**RPM_HOME, "LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": str(epoch)}
    process.run(
        ["rpmbuild", "-bb", "--nodeps", *defines, _SPEC], what="Packaging ansible-core", env=environment
    )
    development_key().sign_rpms(sorted((scratch / "kept/packages").glob("*.rpm")), epoch)
