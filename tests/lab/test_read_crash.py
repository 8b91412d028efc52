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
MAIN = re.compile(r" main \(.*\) at (main/)?asterisk\.c:\d+")
MODULE = re.compile(r"\bat res_pjsip\.c:\d+")
SECONDS = 600.0


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


def gdb(root: Path, core: Path, *commands: str, first: str = "true") -> str:
    """Return what gdb says of a core dump on the box: the root, below it this machine with its gdb.

    ``first`` is done there before, where no other program sees it.
    """
    merged = root.parent / "merged"
    merged.mkdir(exist_ok=True)
    mounts = [
        f"mount -t overlay -o lowerdir={root}:/ overlay {merged}",
        f"mount -t proc proc {merged}/proc",
        f"mount --bind {core.parent} {merged}/mnt",
        f"chroot {merged} sh -euc '{first}'",
        f'exec chroot {merged} gdb -batch -nx "$@"',
    ]
    asked = [word for line in commands for word in ("-ex", line)]
    words = ["unshare", "--mount", "sh", "-euc", "\n".join(mounts), "sh", *asked]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=SECONDS)
    return done.stdout + done.stderr


def crash(engine: Engine, core: Path) -> None:
    """Send a running Asterisk the signal of a bad pointer, and keep the core dump.

    gdb writes it in the kernel's stead: whether there is one, and where, is this machine's affair.
    """
    settings = ("set sysroot /nonexistent", "set auto-solib-add off", "set auto-load off")
    early = [word for line in settings for word in ("-iex", line)]
    asked = ("handle SIGSEGV nopass", "continue", f"generate-core-file {core}")
    late = [word for line in asked for word in ("-ex", line)]
    pid = engine.pid
    argv = ["gdb", "-batch", "-nx", *early, "-p", str(pid), *late]
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
def core(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The core dump of an engine that crashed at work."""
    dump = tmp_path_factory.mktemp("core") / "core"
    with running_engine(root) as engine:
        crash(engine, dump)
    yield dump
    dump.unlink()  # a gigabyte


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


def prefix(products: Products, key: str) -> str:
    return f"/{ENGINES / products.series[key].prefix_name}"


@pytest.fixture
def moved(root: Path, products: Products) -> Iterator[None]:
    """The selector leads to the other engine, as after a switch or a rollback."""
    selector = root / "etc/switchroom/engine"
    before = os.readlink(selector)
    link_atomic(prefix(products, "99"), selector)
    yield
    link_atomic(before, selector)


def test_a_crash_is_read_with_lines_of_asterisks_own_files(
    root: Path, products: Products, core: Path
) -> None:
    read = (f"file {prefix(products, '22')}/sbin/asterisk", "core-file /mnt/core", "thread apply all bt")
    said = gdb(root, core, *read, "list asterisk.c:main", "info source")
    assert "Program terminated with signal SIGSEGV" in said
    assert MAIN.search(said), said
    assert MODULE.search(said), said
    assert re.search(r"\bat \S*src/pj\w*/\S+\.c:\d+", said), said  # the bundled library
    assert "int main(int argc, char *argv[])" in said
    assert f"/usr/src/debug/{products.series['22'].engine}-" in said


@pytest.mark.usefixtures("moved")
def test_a_core_dump_alone_leads_to_its_engine(root: Path, core: Path) -> None:
    said = gdb(root, core, "core-file /mnt/core", "bt")
    assert MAIN.search(said), said


@pytest.mark.usefixtures("moved")
def test_after_a_switch_the_engine_that_crashed_is_put_there_for_gdb_alone(
    root: Path, products: Products, core: Path
) -> None:
    engine, stock = prefix(products, "22"), "/usr/lib64/asterisk/modules"
    read = (f"file {engine}/sbin/asterisk", "core-file /mnt/core", "thread apply all bt")
    put = f'mount --bind {engine}/modules "$(readlink -f {stock})"'
    assert MODULE.search(gdb(root, core, *read, first=put))
