"""rpmbuild on this machine: an environment of its own, a folder of its own, nothing left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Tuple

from switchroom.build import buildlog, macros
from switchroom.build.host import is_el
from switchroom.build.recipe import Inputs
from switchroom.build.workspace import cache_dir
from switchroom.core import lock, process
from switchroom.core.errors import ExitCode, SwitchroomError

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_CCACHE_FOLDERS = ("/usr/lib/ccache", "/usr/lib64/ccache")
_FLAT_NAMES = "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    """Packages and the build's log, in a folder that is gone when the builder's block ends."""

    packages: Tuple[Path, ...]
    log: Path


@contextlib.contextmanager
def build(inputs: Inputs, epoch: int, jobs: int, tell: Tell = lambda _text: None) -> Iterator[Built]:
    """Build a recipe's packages; ``tell`` is told how it goes.

    Raises SwitchroomError with the log's useful lines when the spec fails.
    """
    with work_folder() as folder:
        lay_sources(inputs, folder / "SOURCES", epoch)
        log = folder / "build.log"
        argv = command(inputs, folder, epoch, jobs)
        with buildlog.following(log, tell):
            result = process.run(argv, what="rpmbuild", log_file=log, check=False, cwd=folder)
        if result.returncode != 0:
            raise failure(inputs.recipe.name, log)
        yield Built(tuple(sorted((folder / "RPMS").glob("*.rpm"))), log)


def command(inputs: Inputs, folder: Path, epoch: int, jobs: int) -> List[str]:
    """Return rpmbuild's whole command line; nothing of the caller's environment gets through."""
    specs = inputs.recipe.spec.parent
    settings = [f"{name}={value}" for name, value in environment(folder, epoch).items()]
    # The machine's package manager knows no EL names on other systems; toolchain.py has checked instead.
    checks = [] if is_el() else ["--nodeps"]
    layout = {"_topdir": str(folder), "_tmppath": str(folder / "tmp"), "_smp_mflags": f"-j{jobs}"}
    return [
        *("env", "-i", *settings, "rpmbuild", "-bb", *checks),
        *macros.load_options(specs),
        *macros.define_options(layout),
        *("--define", f"_build_name_fmt {_FLAT_NAMES}"),
        *macros.define_options(inputs.recipe.defines),
        str(inputs.recipe.spec),
    ]


def environment(folder: Path, epoch: int) -> Dict[str, str]:
    """Return the environment of a build; ``epoch`` is in seconds since 1970."""
    base = {"HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC", "SOURCE_DATE_EPOCH": str(epoch)}
    return {**base, **_ccache(), "PATH": ":".join([*_ccache_path(), _PATH])}


def _ccache_path() -> List[str]:
    return [path for path in _CCACHE_FOLDERS if shutil.which("ccache") and Path(path).is_dir()]


def _ccache() -> Dict[str, str]:
    """Return ccache's settings, where it is installed.

    Neither folder nor compiler path counts (the prefix maps of the specs keep both out of the result), so
    that two versions made from one source share their objects.
    """
    if not _ccache_path():
        return {}
    return {
        "CCACHE_DIR": str(cache_dir("ccache")),
        "CCACHE_BASEDIR": str(cache_dir("work")),
        "CCACHE_NOHASHDIR": "1",
        "CCACHE_COMPILERCHECK": "content",
    }


@contextlib.contextmanager
def work_folder() -> Iterator[Path]:
    """Give an empty folder that no other build uses, and remove it at the end.

    The path is the same from build to build (the first free of ``0``, ``1``, …), so that nothing that saw it
    differs; what a killed build left in it is removed first.
    """
    parent = cache_dir("work")
    with contextlib.ExitStack() as stack:
        folder = next(path for path in _numbered(parent) if _lock(stack, path))
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("SOURCES", "RPMS", "tmp"):
            (folder / name).mkdir(parents=True)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def _numbered(parent: Path) -> Iterator[Path]:
    number = 0
    while True:
        yield parent / str(number)
        number += 1


def _lock(stack: contextlib.ExitStack, folder: Path) -> bool:
    try:
        stack.enter_context(lock.exclusive(folder.with_suffix(".lock"), what=f"'{folder}'", wait=0.0))
    except SwitchroomError as error:
        if error.code is ExitCode.REFUSED:
            return False
        raise
    return True


def lay_sources(inputs: Inputs, folder: Path, epoch: int) -> None:
    """Copy the files of a recipe, with modes and times that depend on no checkout and no umask."""
    for name, path in inputs.files.items():
        copy = folder / name
        shutil.copyfile(path, copy)
        copy.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
        os.utime(copy, (epoch, epoch))


def failure(name: str, log: Path) -> SwitchroomError:
    """Return the error for a failed build, whose log is moved where it is kept."""
    text = log.read_text(errors="replace")
    kept = cache_dir("logs") / f"{name}.log"
    if buildlog.DISK_FULL in text:
        return SwitchroomError(
            f"The file system of '{cache_dir()}' is full: '{name}' could not be built.",
            hint="Free some space, or name another folder with $SWITCHROOM_CACHE; then run it again.",
        )
    shutil.move(log, kept)
    return SwitchroomError(
        f"The package '{name}' could not be built.",
        cause=buildlog.useful_lines(text),
        hint=f"The whole log is in '{kept}'.",
    )
