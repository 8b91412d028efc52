"""mock, which builds in a clean EL chroot. For EL hosts; the command lines are tested, a run here is not.

mock passes no environment on, so the date of the build and the reproducible macros travel in a configuration
file of our own that includes the distribution's.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Iterator, List

from switchroom.build import macros
from switchroom.build.recipe import Inputs
from switchroom.build.rpmbuild import Built, Tell, failure, lay_sources, work_folder
from switchroom.core import process
from switchroom.core.errors import SwitchroomError

DEFAULT_ROOT = "rocky+epel-9-x86_64"


@contextlib.contextmanager
def build(inputs: Inputs, epoch: int, jobs: int, root: str, tell: Tell) -> Iterator[Built]:
    """Build a recipe's packages in a chroot: the source package first, then the packages from it."""
    with work_folder() as folder:
        lay_sources(inputs, folder / "SOURCES", epoch)
        config = folder / "switchroom.cfg"
        config.write_text(configuration(inputs.recipe.spec.parent, root, epoch, jobs))
        log = folder / "build.log"
        _run(source_command(inputs, config, folder), inputs, log)
        sources = sorted((folder / "SRPMS").glob("*.src.rpm"))
        if len(sources) != 1:
            raise SwitchroomError(f"mock made {len(sources)} source packages of '{inputs.recipe.name}'.")
        tell("in the chroot")
        _run(rebuild_command(inputs, config, folder, sources[0]), inputs, log)
        packages = [path for path in (folder / "RPMS").glob("*.rpm") if not path.name.endswith(".src.rpm")]
        yield Built(tuple(sorted(packages)), log)


def identity(root: str) -> List[str]:
    """Return what is known of the chroot beforehand; an update inside it does not change the cache key."""
    return [process.output(["mock", "--version"]), f"mock root {root}"]


def configuration(specs: Path, root: str, epoch: int, jobs: int) -> str:
    """Return the configuration: the distribution's chroot, the date of the build, the reproducible macros."""
    settings = {**macros.parse(specs / macros.REPRODUCIBLE), "_smp_mflags": f"-j{jobs}"}
    lines = [f"include('/etc/mock/{root}.cfg')"]
    lines += [f"config_opts['environment']['SOURCE_DATE_EPOCH'] = '{epoch}'"]
    lines += [f"config_opts['macros'][{'%' + name!r}] = {value!r}" for name, value in settings.items()]
    return "\n".join(lines) + "\n"


def source_command(inputs: Inputs, config: Path, folder: Path) -> List[str]:
    """Return the command that makes the source package in ``SRPMS`` below ``folder``."""
    spec, sources = str(inputs.recipe.spec), str(folder / "SOURCES")
    return [*_common(inputs, config, folder / "SRPMS"), "--buildsrpm", "--spec", spec, "--sources", sources]


def rebuild_command(inputs: Inputs, config: Path, folder: Path, source: Path) -> List[str]:
    """Return the command that makes the packages in ``RPMS`` below ``folder``."""
    return [*_common(inputs, config, folder / "RPMS"), "--rebuild", str(source)]


def _common(inputs: Inputs, config: Path, results: Path) -> List[str]:
    defines = macros.define_options(inputs.recipe.defines)
    return ["mock", "-r", str(config), "--isolation=auto", f"--resultdir={results}", *defines]


def _run(command: List[str], inputs: Inputs, log: Path) -> None:
    if process.run(command, what="mock", log_file=log, check=False).returncode != 0:
        raise failure(inputs.recipe.name, log)
