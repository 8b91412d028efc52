"""The tools and libraries a package is built with: whether they are there, and exactly which they are."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, Tuple

import yaml

from switchroom.build.host import installed_packages, is_el
from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.progress import Reporter

NAMES = "debian-names.yml"
_TOOLS = ("gcc", "ld", "rpmbuild", "ccache")
_ALWAYS = ("rpm", "rpm-build", "libc6-dev", "glibc-devel", "redhat-rpm-config", "binutils")


@functools.cache
def debian_names(specs: Path) -> Mapping[str, Tuple[str, ...]]:
    """Return the Debian packages that stand for each EL build dependency."""
    names: Dict[str, object] = yaml.safe_load((specs / NAMES).read_text())
    return {key: _words(value) for key, value in names.items()}


def require_dependencies(specs: Path, build_requires: Iterable[str]) -> None:
    """Raise (code REFUSED) unless every build dependency is installed; on EL rpmbuild itself checks.

    The error's hint is the one command that installs what is missing.
    """
    missing = missing_packages(specs, build_requires)
    if missing:
        raise SwitchroomError(
            f"Packages needed for the build are not installed: {', '.join(missing)}.",
            hint=f"Install with: apt-get install {' '.join(missing)}",
            code=ExitCode.REFUSED,
        )


def install_dependencies(specs: Path, build_requires: Iterable[str], reporter: Reporter) -> None:
    """Install the build dependencies that are missing with apt-get; needs root."""
    missing = missing_packages(specs, build_requires)
    if not missing:
        return
    with reporter.step(f"Installing {len(missing)} build dependencies"):
        command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]
        process.run(command, what="Installing build dependencies", env={"DEBIAN_FRONTEND": "noninteractive"})
    installed_packages.cache_clear()


def missing_packages(specs: Path, build_requires: Iterable[str]) -> List[str]:
    """Return the Debian packages that have to be installed first (none on EL)."""
    if is_el():
        return []
    wanted = {name for names in _mapped(specs, build_requires).values() for name in names}
    return sorted(wanted - set(installed_packages()))


def fingerprint(specs: Path, build_requires: Iterable[str]) -> List[str]:
    """Return the versions of compiler, linker, rpm, ccache (if used), C library and build dependencies."""
    installed = installed_packages()
    wanted = list(build_requires)
    names = set(_ALWAYS) | set(wanted)
    if not is_el():
        names |= {name for mapped in _mapped(specs, wanted).values() for name in mapped}
    packages = [f"{name} {installed[name]}" for name in sorted(names) if name in installed]
    return [*_tool_versions(), *packages]


@functools.cache
def _tool_versions() -> Tuple[str, ...]:
    present = [tool for tool in _TOOLS if shutil.which(tool)]
    return tuple(process.output([tool, "--version"]).splitlines()[0] for tool in present)


def _mapped(specs: Path, build_requires: Iterable[str]) -> Dict[str, Tuple[str, ...]]:
    known = debian_names(specs)
    unknown = [name for name in build_requires if name not in known]
    if unknown:
        raise SwitchroomError(
            f"The build dependency '{unknown[0]}' has no Debian name.", hint=f"Add it to '{specs / NAMES}'."
        )
    return {name: known[name] for name in build_requires}


def _words(value: object) -> Tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(word) for word in value) if isinstance(value, list) else tuple(str(value).split())
