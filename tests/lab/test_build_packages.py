"""Small specs, real rpmbuild: same bytes anywhere, failures that explain themselves, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List

import pytest

from support.packages import FIXTURE, command
from support.small_specs import COMPILE, EPOCH, make, write_specs
from switchroom.build.packages import Builder, Outcome, local_builder
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import sha256

pytestmark = pytest.mark.lab("rpmbuild", "gcc", "ccache", "mount")

TESTS = Path(__file__).parents[1]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def folders(folder: Path) -> List[str]:
    return [path.name for path in folder.iterdir() if path.is_dir()]


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("waited in vain for half a minute")


def test_two_folders_two_umasks_two_environments_one_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: List[Dict[str, str]] = []
    for name, umask in (("one", 0o022), ("another/much/longer/path", 0o077)):
        monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / name / "cache"))
        monkeypatch.setenv("CFLAGS", "-DONE" if name == "one" else "-O0")
        specs = write_specs(tmp_path / name / "specs")
        before = os.umask(umask)
        try:
            outcome = make(specs)
        finally:
            os.umask(before)
        seen.append({path.name: sha256(path) for path in outcome.packages})
        time.sleep(1.1)  # a time of day in the result would differ now
    assert seen[0] == seen[1]
    assert list(seen[0]) == [
        f"small{part}-1.0-1.lab.x86_64.rpm" for part in ("", "-debuginfo", "-debugsource")
    ]


def test_unchanged_spec_is_not_built_again(cache: Path, tmp_path: Path) -> None:
    specs = write_specs(tmp_path / "specs")
    real = local_builder(specs, EPOCH, 1)
    first = make(specs, real)
    never = Builder(lambda inputs, _tell: pytest.fail(f"built {inputs.recipe.name} again"), real.identity)
    again = make(specs, never)
    assert (first.cached, again.cached) == (False, True)
    assert again.packages == first.packages


def test_two_at_a_time_build_once(cache: Path, tmp_path: Path) -> None:
    specs = write_specs(tmp_path / "specs", f"echo run >> {tmp_path}/runs\nsleep 1\n{COMPILE}")
    outcomes: List[Outcome] = []
    threads = [threading.Thread(target=lambda: outcomes.append(make(specs))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome.cached for outcome in outcomes) == [False, True]
    assert (tmp_path / "runs").read_text() == "run\n"


def test_failing_spec_shows_the_compilers_words_and_keeps_the_log(cache: Path, tmp_path: Path) -> None:
    noise = "for i in $(seq 300); do echo noise $i; done"
    specs = write_specs(tmp_path / "specs", f"{noise}\n{COMPILE} no-such.c\n")
    with pytest.raises(SwitchroomError, match="'small' could not be built") as caught:
        make(specs)
    lines = caught.value.cause.splitlines()
    assert "no-such.c: No such file or directory" in lines[0]
    assert any("Bad exit status" in line for line in lines)
    assert "noise 300" in (cache / "logs/small.log").read_text()
    assert folders(cache / "work") == []


def test_interrupt_stops_the_compiler_and_leaves_nothing(cache: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    specs = write_specs(tmp_path / "specs", f"echo $$ > {pid}.new && mv {pid}.new {pid}\nsleep 300")
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent / 'src'}"}
    words = [sys.executable, "-m", "support.small_specs", specs]
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE) as child:
        wait_for(pid.exists)
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate(timeout=20)
    assert b"KeyboardInterrupt" in stderr
    state = Path("/proc") / pid.read_text().strip() / "stat"
    assert not state.exists() or state.read_text().split()[2] == "Z"
    assert folders(cache / "work") == []
    assert folders(cache / "rpms") == []


@pytest.fixture
def tiny_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of two megabytes for the cache."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=True)
    monkeypatch.setenv("SWITCHROOM_CACHE", str(disk))
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_full_disk_is_one_clear_error(tiny_disk: Path, tmp_path: Path) -> None:
    specs = write_specs(tmp_path / "specs", "dd if=/dev/zero of=big bs=1M count=8")
    with pytest.raises(SwitchroomError) as caught:
        make(specs)
    assert caught.value.message == f"The file system of '{tiny_disk}' is full: 'small' could not be built."
    assert "$SWITCHROOM_CACHE" in caught.value.hint
    assert folders(tiny_disk / "work") == []


@pytest.mark.campaign
def test_engine_compiled_in_two_folders_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: List[Dict[str, str]] = []
    for name in ("one", "another/much/longer/path"):
        monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / name))
        overlay = command("build", "sources", "--from", "debian")["overlay"]
        options = ["--overlay", overlay, "--overlay", str(FIXTURE), "--series", "22"]
        built = command("build", "packages", "--install-dependencies", *options)
        seen.append({name: sha256(Path(built["out"]) / name) for name in built["packages"]})
    engines = [name for name in seen[0] if name.startswith("asterisk22")]
    assert {name: seen[0][name] for name in engines} == {name: seen[1][name] for name in engines}
    assert engines
