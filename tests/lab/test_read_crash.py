"""A crash of the real Asterisk, read with what the debug repository has: where it was, in its own source."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Iterator, List

import pytest

from lab.roots import Repository, dnf, inside, scratch_root
from lab.run_engine import Engine, running_engine
from support.outlets import products, publish, published
from support.packages import Products
from switchroom.core.files import link_atomic

__all__ = ["products", "publish", "published"]  # fixtures
pytestmark = pytest.mark.lab("debootstrap", "dnf", "rpmbuild", "unshare", "gdb")

ENGINES = Path("usr/lib64/switchroom/engines")
SECONDS = 60.0


@pytest.fixture(scope="module")
def for_debuggers(published: Repository) -> Repository:
    """The debug part of the published repository, under the name dnf looks for, and disabled."""
    return Repository(f"{published.name}-debuginfo", f"{published.url}-debuginfo", published.key, True)


@pytest.fixture(scope="module")
def root(
    lab_base: Path, products: Products, published: Repository, for_debuggers: Repository
) -> Iterator[Path]:
    """A root with both engines and all that debuggers need of them, as an admin gets it."""
    names = [series.engine for series in products.series.values()]
    with scratch_root(lab_base) as folder:
        dnf(folder, ["install", *names, f"{names[0]}-odbc"], [published])
        ask = ["--setopt=plugins=1", f"--disablerepo={for_debuggers.name}", "debuginfo-install"]
        dnf(folder, [*ask, *names], [published, for_debuggers])
        yield folder


def gdb(root: Path, *commands: str) -> str:
    """Return what gdb says when it takes files of a box for its own."""
    settings = [
        "set auto-load off",
        f"set sysroot {root}",
        f"set debug-file-directory {root}/usr/lib/debug",
        f"set substitute-path /usr/src/debug {root}/usr/src/debug",
    ]
    early = [word for line in settings for word in ("-iex", line)]
    asked = [word for line in commands for word in ("-ex", line)]
    argv = ["gdb", "-batch", "-nx", *early, *asked]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=SECONDS)
    return done.stdout + done.stderr


def crash(engine: Engine, core: Path) -> None:
    """Send a running Asterisk the signal of a bad pointer, and keep the core dump.

    gdb stands in for the kernel's dump, which goes wherever the machine's core_pattern says.
    """
    words = ["set sysroot /nonexistent", "set auto-solib-add off", "set auto-load off"]
    early = [word for line in words for word in ("-iex", line)]
    late = [word for line in ("continue", f"generate-core-file {core}", "kill") for word in ("-ex", line)]
    argv = ["gdb", "-batch", "-nx", *early, "-p", str(engine.pid), *late]
    pid = engine.pid
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as debugger:
        _wait_for_tracer(pid)
        os.kill(pid, signal.SIGSEGV)
        assert debugger.wait(SECONDS) == 0


def _wait_for_tracer(pid: int) -> None:
    deadline = time.monotonic() + SECONDS
    while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < deadline, "gdb did not attach"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def core(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The core dump of an engine that crashed at work."""
    dump = tmp_path_factory.mktemp("core") / "core"
    with running_engine(root) as engine:
        crash(engine, dump)
    return dump


def debug_packages(root: Path, engine: str) -> List[str]:
    listed = inside(root, "rpm", "-qa", "--qf", "%{NAME}\n", f"{engine}-debug*").stdout.decode()
    return sorted(listed.split())


def test_both_engines_have_theirs_side_by_side_and_whole(root: Path, products: Products) -> None:
    for series in products.series.values():
        wanted = [f"{series.engine}-debuginfo", f"{series.engine}-debugsource"]
        assert debug_packages(root, series.engine) == wanted
        assert inside(root, "rpm", "-V", *wanted).stdout == b""


def test_the_channel_itself_shows_none(lab_root: Path, published: Repository, products: Products) -> None:
    name = f"{products.series['22'].engine}-debuginfo"
    assert dnf(lab_root, ["install", name], [published], check=False).returncode != 0


def test_a_crash_is_read_with_lines_of_asterisks_own_files(
    root: Path, products: Products, core: Path
) -> None:
    program = root / ENGINES / products.series["22"].prefix_name / "sbin/asterisk"
    said = gdb(root, f"file {program}", f"core-file {core}", "bt", "thread apply all bt")
    assert "Program terminated with signal SIGSEGV" in said
    assert re.search(r" main \(.*\) at (main/)?asterisk\.c:\d+", said), said
    assert re.search(r"\bat (\S*/)?(taskprocessor|threadpool|sched|logger)\.c:\d+", said), said
    assert re.search(r"\bat \S*pjlib/\S+\.c:\d+", said), said  # the bundled library too


def test_the_lines_themselves_are_there(root: Path, products: Products, core: Path) -> None:
    program = root / ENGINES / products.series["22"].prefix_name / "sbin/asterisk"
    said = gdb(root, f"file {program}", f"core-file {core}", "list asterisk.c:main", "info source")
    assert "int main(int argc, char *argv[])" in said
    assert f"/usr/src/debug/{products.series['22'].engine}-" in said


def test_a_core_dump_alone_leads_to_its_engine_after_the_selector_has_moved(
    root: Path, products: Products, core: Path
) -> None:
    selector = root / "etc/switchroom/engine"
    before = os.readlink(selector)
    link_atomic(f"/{ENGINES / products.series['99'].prefix_name}", selector)
    try:
        said = gdb(root, f"core-file {core}", "bt")
    finally:
        link_atomic(before, selector)
    assert re.search(r" main \(.*\) at (main/)?asterisk\.c:\d+", said), said
