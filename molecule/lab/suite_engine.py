"""The engine compiled in a scratch root of a Debian suite, by our spec and with the suite's own compiler.

rpm, find-debuginfo and all libraries are the suite's too. The packages prove that it compiles; nothing
installs them.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import List

from lab.suites import CONTAIN, Suite
from switchroom.build import rpmbuild, toolchain
from switchroom.build.debian.origin import find_origin
from switchroom.build.recipe import Inputs
from switchroom.core import process

_HERE = Path("/build")  # in the root, as are the other paths
_SPECS = Path("/rpmspecs")
_KEYRING = "/usr/share/keyrings/machine"
_FOLDERS = ("etc/apt/preferences.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial")
# What find-debuginfo packs the small symbol tables with; without it there are none, and no error.
_BESIDES = {"xz-utils"}
# The dress has taken apt's own user away.
_APT = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "-o", "APT::Update::Error-Mode=any"]
# rpm 4.20 makes debug packages itself and fails over Enterprise Linux's older way, a macro before %install.
_NO_HOOK = "%install %%install\n"
_APT_SETTINGS = {"DEBIAN_FRONTEND": "noninteractive", "DPKG_FORCE": "unsafe-io", "LC_ALL": "C"}


def install_compiler(root: Path, suite: Suite, inputs: Inputs) -> str:
    """Install what the spec's BuildRequires mean on Debian into a scratch root; return gcc's version.

    The packages come from this machine's own mirror, verified. Raises SwitchroomError with apt's last words.
    """
    known = toolchain.debian_names(inputs.recipe.spec.parent)
    wanted = {name for required in inputs.build_requires for name in known[required]} | _BESIDES
    _lay_apt(root, suite)
    _apt(root, "update")
    _apt(root, "install", "--yes", "--no-install-recommends", *sorted(wanted))
    return process.output(["chroot", root, "gcc", "-dumpfullversion"])


def compile_engine(root: Path, flags: Path, inputs: Inputs, epoch: int, jobs: int) -> List[Path]:
    """Build a recipe's packages in a root that ``install_compiler`` prepared, and return their paths.

    ``flags`` is a macro file that counts after macros.el9, ``epoch`` is in seconds since 1970. rpmbuild's
    command line is the project's own; without ccache in the root, all of it is compiled. Raises
    SwitchroomError with the log's useful lines when the spec fails.
    """
    folder = root / _HERE.relative_to("/")
    for name in ("SOURCES", "RPMS", "tmp"):
        (folder / name).mkdir(parents=True)
    rpmbuild.lay_sources(inputs, folder / "SOURCES", epoch)
    recipe = dataclasses.replace(inputs.recipe, spec=_lay_specs(root, inputs.recipe.spec, flags))
    argv = rpmbuild.command(dataclasses.replace(inputs, recipe=recipe), _HERE, epoch, jobs)
    place, log = [f"--root={root}", f"--wd={_HERE}"], folder / "build.log"
    if process.run([*CONTAIN, *place, *argv], what="rpmbuild", log_file=log, check=False).returncode != 0:
        raise rpmbuild.failure(f"{recipe.name}{flags.suffix}", log)
    return sorted((folder / "RPMS").glob("*.rpm"))


def _lay_specs(root: Path, spec: Path, flags: Path) -> Path:
    folder = shutil.copytree(spec.parent, root / _SPECS.relative_to("/"))
    with (folder / "macros.el9").open("a") as macros:
        macros.write(flags.read_text() + _NO_HOOK)
    return _SPECS / spec.name


def _lay_apt(root: Path, suite: Suite) -> None:
    origin = find_origin()
    for name in _FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    keyring = f"{_KEYRING}{origin.keyring.suffix}"  # apt tells armour from binary by it
    shutil.copyfile(origin.keyring, f"{root}{keyring}")
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    line = f"deb [signed-by={keyring}] {origin.uri} {suite.name} main\n"
    (root / "etc/apt/sources.list").write_text(line)


def _apt(root: Path, *words: str) -> None:
    what = f"apt-get {words[0]} in the root"
    process.run([*CONTAIN, f"--root={root}", *_APT, *words], what=what, env=_APT_SETTINGS)
