"""Package transactions that go wrong half-way: scriptlets that fail, and kill -9 at any instant."""

from __future__ import annotations

import collections
import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Optional, Sequence

import pytest

from lab.engines.outlet import Outlet
from lab.roots import inside, scratch_root
from support.box_python import finish, install_tool, on_box, start
from support.small_engines import DIARY, SmallEngine, build_engines, build_specs, scriptlets
from support.small_rpms import EPOCH, QUIET, Small, key
from switchroom.box.packages import TornError
from switchroom.build import repo
from switchroom.build.keys import SigningKey
from switchroom.core.errors import ExitCode, SwitchroomError

__all__ = ["key"]  # a fixture
pytestmark = pytest.mark.lab("debootstrap", "dnf", "rpmbuild", "rpmsign")

OLD = SmallEngine("50", "50.1.0")
NEW = SmallEngine(
    "50", "50.2.0", needs=["helper-one = 2.0", "helper-two = 2.0"], scripts={"post": "sleep 0.05"}
)
NO_PRE = SmallEngine("51", "51.1.0", scripts={"pre": "echo 'why it cannot be' >&2; exit 7"})
NO_POST = SmallEngine("52", "52.1.0", scripts={"post": "echo 'why it did not work'; exit 7"})

SEED = int(os.environ.get("SWITCHROOM_SEED", "20261123"))
KILLS = 12


def helper(name: str, version: str) -> str:
    """Return a package that the new engine upgrades: files, a big one among them, and scriptlets."""
    big = f"head -c 3000000 /dev/urandom > %{{buildroot}}/usr/share/{name}/big\n"
    spec = Small(name, version).spec().replace("%files\n", big + "%files\n", 1)
    return spec.replace("%changelog", scriptlets("") + "%changelog", 1)


@pytest.fixture(scope="module")
def prepared(lab_base: Path, tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Iterator[Path]:
    """A root with the old engine and version 1 of two helpers; version 2 and more engines are on offer."""
    folder = tmp_path_factory.mktemp("outlet")
    rpms = build_engines(folder / "engines", OLD, NEW, NO_PRE, NO_POST)
    helpers = {
        f"{name}-{v}": helper(name, v) for name in ("helper-one", "helper-two") for v in ("1.0", "2.0")
    }
    rpms += build_specs(folder / "helpers", helpers)
    outlet = Outlet(folder / "repository", "file:///srv/repo")
    repo.publish(outlet.root, rpms, key=key, epoch=EPOCH, reporter=QUIET, url=outlet.url)
    repo.promote(outlet.root, None, key=key, epoch=EPOCH, reporter=QUIET)
    with scratch_root(lab_base) as root:
        install_tool(root)
        shutil.copytree(outlet.root, root / "srv/repo", symlinks=True)
        outlet.introduce(root)
        inside(root, "dnf", "-y", "install", "helper-one-1.0", "helper-two-1.0", OLD.name)
        on_box(root, "keep(bring('50.2.0', ['odbc']))")
        (root / DIARY.lstrip("/")).unlink()
        yield root


def diary(root: Path) -> collections.Counter[str]:
    """Return how often each scriptlet ran, as "package scriptlet"."""
    path = root / DIARY.lstrip("/")
    lines = path.read_text().splitlines() if path.exists() else []
    return collections.Counter(line.partition(":")[0] for line in lines)


def child_of(running: subprocess.Popen[str]) -> Optional[int]:
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        return int(children[0]) if children else None
    return None


def kill_child(running: subprocess.Popen[str], steps: Path, moment: Moment) -> None:
    """Kill the dnf child at a moment of its transaction, if it gets there."""
    child = None
    while running.poll() is None and not (child and size(steps) >= moment.step):
        child = child or child_of(running)
        time.sleep(0.002)
    time.sleep(moment.more)
    if child and child_of(running) == child:
        os.kill(child, signal.SIGKILL)


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@dataclass(frozen=True)
class Moment:
    """An instant of a transaction: after so many steps that it tells of, and some seconds more."""

    step: int
    more: float


NAMES = ["asterisk50", "asterisk50-odbc", NEW.name, f"{NEW.name}-odbc", "helper-one", "helper-two"]
ARRIVING = ("pre", "post", "posttrans")
TRANSACTION = """
def count(*_numbers):
    with open("/tmp/steps", "ab") as stream:
        stream.write(b".")
packages.%s(kept(), progress=count)
"""


def test_killed_at_any_instant_and_installed_again_everything_is_whole(prepared: Path) -> None:
    with scratch_root(prepared) as root:
        steps = install_whole(root)
    dice, torn = random.Random(SEED), 0  # noqa: S311
    for number in range(KILLS):
        moments = [Moment(dice.randint(1, steps), dice.uniform(0, 0.1)) for _time in range(1 + number % 2)]
        with scratch_root(prepared) as root:
            torn += torn_and_repaired(root, moments)
    assert torn >= KILLS // 2, f"only {torn} of {KILLS} transactions were torn"


def install_whole(root: Path) -> int:
    """Let the transaction end, check that each scriptlet ran once, and return the steps that it told of."""
    on_box(root, TRANSACTION % "install")
    assert diary(root) == {f"{name} {phase}": 1 for name in NAMES for phase in ARRIVING} | {
        f"{name} {phase}": 1 for name in ("helper-one", "helper-two") for phase in ("preun", "postun")
    }
    return size(root / "tmp/steps")


def torn_and_repaired(root: Path, moments: Sequence[Moment]) -> bool:
    """Kill the installation, perhaps the repair too; check that the next repair makes everything whole."""
    torn = False
    for command, moment in zip(("install", "reinstall"), moments):
        (root / "tmp/steps").unlink(missing_ok=True)
        running = start(root, TRANSACTION % command)
        kill_child(running, root / "tmp/steps", moment)
        try:
            finish(running)
        except TornError:
            torn = True
    where = f"seed {SEED}, killed at {moments}, torn: {torn}"
    stray = root / "usr/share/helper-one/big;0123abcd"
    stray.write_text("what a killed rpm leaves behind")
    links = root / NEW.prefix.lstrip("/") / "sbin"
    links.mkdir(parents=True, exist_ok=True)
    (links / "sounds;0123abcd").symlink_to("/var/lib")
    (root / DIARY.lstrip("/")).unlink(missing_ok=True)
    on_box(root, "packages.reinstall(kept(), history='switchroom resume')")
    ran = diary(root)
    lost = [f"{name} {phase}" for name in NAMES for phase in ARRIVING if not ran[f"{name} {phase}"]]
    assert lost == [], where
    assert inside(root, "rpm", "-Va", check=False).stdout.decode() == "", where
    listing = sorted(inside(root, "rpm", "-qa", "--qf", "%{NAME} %{VERSION}\n").stdout.decode().splitlines())
    assert [line for line in listing if line.startswith("helper")] == ["helper-one 2.0", "helper-two 2.0"], (
        where
    )
    assert inside(root, "dnf", "check", check=False).returncode == 0, where
    assert list((root / "usr").rglob("*;*")) == [], where
    assert not (root / "var/lib/dnf/rpmdb_lock.pid").exists(), where
    return torn


def test_a_killed_transaction_leaves_no_scriptlet_running(prepared: Path) -> None:
    with scratch_root(prepared) as root:
        # The sleep in the new engine's %post becomes one that lasts, and tells its process.
        sleep = root / "usr/bin/sleep"
        sleep.rename(root / "usr/bin/sleep.real")
        sleep.write_text("#!/bin/sh\necho $$ >/hangs\nexec /usr/bin/sleep.real 600\n")
        sleep.chmod(0o755)
        running = start(root, TRANSACTION % "install")
        kill_child(running, root / "hangs", Moment(1, 0))
        with pytest.raises(TornError):
            finish(running)
        assert not Path("/proc", (root / "hangs").read_text().strip(), "root").exists()


def test_failing_pre_is_an_error_though_dnf_says_nothing(prepared: Path) -> None:
    with scratch_root(prepared) as root:
        with pytest.raises(SwitchroomError) as failed:
            on_box(root, "packages.install(bring('51.1.0'))")
        assert failed.value.code == ExitCode.FAILED
        assert NO_PRE.name in failed.value.message
        assert "why it cannot be" in failed.value.cause
        assert inside(root, "rpm", "-q", NO_PRE.name, check=False).returncode == 1


def test_failing_post_is_an_error_though_the_package_is_there(prepared: Path) -> None:
    with scratch_root(prepared) as root:
        with pytest.raises(SwitchroomError) as failed:
            on_box(root, "packages.install(bring('52.1.0'))")
        assert failed.value.code == ExitCode.FAILED
        assert "scriptlet" in failed.value.message
        assert NO_POST.name in failed.value.message
        assert "why it did not work" in failed.value.cause
