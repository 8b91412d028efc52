"""Lab boxes behave as machines do: side by side, crashing, without power; and nothing of them stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from lab import cgroups, network, registry
from lab.boxes import Box, make_box, new_box
from lab.layers import prune
from support.boxes import (
    NewAppliance,
    appliance,
    common_repository,
    lab_repository,
    new_appliance,
    publish_for_boxes,
)
from support.small_rpms import Small, build
from switchroom.core.errors import ExitCode, SwitchroomError

__all__ = ["appliance", "common_repository", "lab_repository", "new_appliance"]
pytestmark = pytest.mark.lab("systemd-nspawn", "unshare", "ssh", "mkfs.ext4", "ip")

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT / 'molecule'}:{ROOT / 'src'}"}
# Makes a box, says which, and waits to be killed.
OWNER = """
import sys, time
from lab.boxes import new_box
with new_box("orphan") as box:
    print(box.record.number, box.leader, flush=True)
    time.sleep(600)
"""
# As programs do that forget to flush: a rename alone makes nothing durable.
WRITE = """
import os
for name in ("unflushed", "renamed.new", "flushed"):
    with open(f"/var/tmp/{name}", "w") as stream:
        stream.write("new")
os.rename("/var/tmp/renamed.new", "/var/tmp/renamed")
with open("/var/tmp/flushed") as stream:
    os.fsync(stream.fileno())
"""


def python(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *words],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def lab(*words: str) -> subprocess.CompletedProcess[str]:
    child = python("-m", "lab", *words)
    stdout, stderr = child.communicate(timeout=300)
    return subprocess.CompletedProcess(words, child.returncode, stdout, stderr)


def until(happened: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def traces(number: int) -> list[str]:
    """What the machine still has of the box of this number."""
    cable = Path("/sys/class/net", f"swlab-{number}")
    folders = [*registry.BOXES.glob(f"{number}-*"), *registry.BOXES.glob(f".dead-{number}-*")]
    groups = [path for path in Path("/sys/fs/cgroup").rglob(f"switchroom-lab/{number}") if path.is_dir()]
    loops = [path.read_text() for path in Path("/sys/block").glob("loop*/loop/backing_file")]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    lines = [line for line in loops + mounts if f"{registry.BOXES}/{number}-" in line]
    return [str(path) for path in [*folders, *groups, *([cable] if cable.exists() else [])]] + lines


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Box, Box]]:
    with new_box("left") as left, new_box("right") as right:
        yield left, right


def test_a_box_boots_without_a_failed_unit(pair: tuple[Box, Box]) -> None:
    for box in pair:
        assert box.wait_booted() == "running"
        assert box.output("hostname") == box.name
        assert box.output("rpm", "-q", "--whatprovides", "redhat-release").startswith("lab-base-9.")


def test_boxes_reach_each_other_and_the_host(pair: tuple[Box, Box]) -> None:
    left, right = pair
    for target in (right.address, network.HOST):
        left.run("ping", "-c1", "-W2", target)
    assert "eth0" in left.output("ls", "/sys/class/net")
    assert "swlab" not in left.output("ls", "/sys/class/net")


def test_boxes_do_not_stop_each_others_units(pair: tuple[Box, Box]) -> None:
    left, right = pair
    left.run("systemctl", "stop", "systemd-logind.service")
    assert left.run("systemctl", "is-active", "systemd-logind.service", check=False).returncode != 0
    assert right.output("systemctl", "is-active", "systemd-logind.service") == "active"


def test_words_and_files_arrive_as_they_are(pair: tuple[Box, Box], tmp_path: Path) -> None:
    box = pair[0]
    assert box.output("printf", "%s|", "a b", "$HOME", "it's", "") == "a b|$HOME|it's||"
    assert box.run("cat", stdin=b"\x00\xff").stdout == b"\x00\xff"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_text("here")
    box.copy_in(tmp_path / "folder", "/tmp/folder")
    assert box.output("cat", "/tmp/folder/file") == "here"
    with pytest.raises(SwitchroomError, match="'false' in the box 'left' failed with exit code 1"):
        box.run("false")


def test_the_host_sees_the_boxs_files(pair: tuple[Box, Box]) -> None:
    left, right = pair
    (left.root / "etc/from-host").write_text("hello")
    assert left.output("cat", "/etc/from-host") == "hello"
    assert not (right.root / "etc/from-host").exists()
    assert "systemd" in (Path("/proc") / str(left.leader) / "comm").read_text()


def test_folders_of_the_layers_below_can_be_renamed(pair: tuple[Box, Box]) -> None:
    box = pair[0]
    box.run("python3", "-c", "import os; os.rename('/usr/share/perl5', '/usr/share/perl5.aside')")
    assert box.output("ls", "/usr/share/perl5.aside")


def test_a_crash_keeps_what_was_written_and_a_power_cut_what_was_flushed() -> None:
    with new_box("victim") as box:
        boots = [box.output("cat", "/proc/sys/kernel/random/boot_id")]
        for end, unflushed in ((box.crash, "new"), (box.power_cut, "")):
            box.run(
                "sh", "-c", "echo -n old | tee /var/tmp/flushed /var/tmp/unflushed /var/tmp/renamed; sync"
            )
            box.run("python3", "-c", WRITE)
            end()
            assert not box.running
            with pytest.raises(SwitchroomError, match="does not run"):
                box.run("true")
            box.start()
            boots.append(box.output("cat", "/proc/sys/kernel/random/boot_id"))
            found = [box.output("cat", f"/var/tmp/{name}") for name in ("flushed", "unflushed", "renamed")]
            assert found == ["new", unflushed, unflushed]
        box.stop()
        assert not box.running
        box.start()
        box.reboot()
        boots.append(box.output("cat", "/proc/sys/kernel/random/boot_id"))
        assert len(set(boots)) == 4
        assert box.wait_booted() == "running"


def test_asterisk_runs_as_its_unit_says(appliance: Box) -> None:
    assert appliance.wait_booted() == "running"
    assert appliance.output("systemctl", "is-enabled", "asterisk") == "enabled"
    before = show(appliance)
    assert before == {**before, "ActiveState": "active", "Type": "notify", "NRestarts": "0"}
    assert appliance.output("asterisk", "-rx", "core show version").startswith("Asterisk 22.")
    appliance.run("systemctl", "restart", "asterisk")
    assert show(appliance)["MainPID"] != before["MainPID"]
    appliance.run("asterisk", "-rx", "core waitfullybooted")
    # The sandbox is real: /usr is read-only and /tmp is its own.
    inside = ["nsenter", "-m", "-t", show(appliance)["MainPID"]]
    refused = appliance.run(*inside, "touch", "/usr/lib/x", check=False)
    assert b"Read-only file system" in refused.stderr
    appliance.run("touch", "/tmp/outside")
    assert appliance.run(*inside, "test", "-e", "/tmp/outside", check=False).returncode == 1


def show(box: Box) -> dict[str, str]:
    lines = box.output("systemctl", "show", "asterisk").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_dnf_installs_what_is_published_while_the_box_runs(
    appliance: Box, lab_repository: Path, tmp_path: Path
) -> None:
    appliance.run("dnf", "--assumeyes", "install", "asterisk99")
    assert appliance.output("rpm", "-q", "asterisk99").startswith("asterisk99-99.")
    publish_for_boxes(lab_repository, build(tmp_path / "build", Small("latecomer")), stable=False)
    missing = appliance.run("dnf", "--assumeyes", "--refresh", "install", "latecomer", check=False)
    assert b"Unable to find a match: latecomer" in missing.stderr
    appliance.run("dnf", "--assumeyes", "--enablerepo=switchroom-testing", "install", "latecomer")
    assert appliance.output("cat", "/usr/share/latecomer/content") == "hello"
    changed = {
        line.split()[-1] for line in appliance.run("rpm", "-Va", check=False).stdout.decode().splitlines()
    }
    files = ("switchroom", "switchroom-testing", "switchroom-debuginfo")
    assert changed == {f"/etc/yum.repos.d/{name}.repo" for name in files}


def test_the_first_engine_named_is_the_selected_one(new_appliance: NewAppliance) -> None:
    with new_appliance("ninety-nine", ["switchroom", "asterisk99", "asterisk22"]) as box:
        assert box.output("asterisk", "-V").startswith("Asterisk 99.")
        assert box.output("rpm", "-q", "asterisk22")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_stays_of_a_box_whose_owner_ends(number: signal.Signals) -> None:
    owner = python("-c", OWNER)
    assert owner.stdout is not None
    box, leader = map(int, owner.stdout.readline().split())
    assert traces(box)
    owner.send_signal(number)
    owner.communicate(timeout=60)
    until(lambda: not Path(f"/proc/{leader}").exists())  # the kernel's doing, before anybody sweeps
    registry.sweep()
    assert traces(box) == []


def test_a_box_that_cannot_boot_says_what_its_console_says() -> None:
    box = make_box("broken", owned=True)
    try:
        (box.root / "usr/lib/systemd/systemd").unlink()
        with pytest.raises(SwitchroomError) as failed:
            box.start()
        assert "init" in failed.value.cause
    finally:
        box.down()
    assert traces(box.record.number) == []


@pytest.mark.parametrize("mounted", [True, False], ids=["unified-alone", "none-mounted"])
def test_boxes_boot_whichever_way_control_groups_are_mounted(mounted: bool) -> None:
    """Stands in for other machines: the same kernel, seen through other mounts."""
    mount = "mount -t cgroup2 cgroup2 /sys/fs/cgroup && " if mounted else ""
    script = f'umount --recursive /sys/fs/cgroup && {mount}exec "$@"'
    boot = (
        "from lab.boxes import new_box\n"
        "with new_box('elsewhere') as box:\n"
        "    print(box.record.number, box.output('systemctl', 'is-system-running'))\n"
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", boot],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split()[1:] == ["running"], done.stderr
    assert not cgroups.group(int(done.stdout.split()[0])).exists()


def test_old_layers_go_but_not_from_under_a_box(tmp_path: Path) -> None:
    names = [f"{number:016x}" for number in range(9)]
    for number, name in enumerate(names):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (number, number))
    box = make_box("standing", [tmp_path / names[0]], owned=True)
    try:
        prune(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == [names[0], *names[3:]]
    finally:
        box.down()


def test_the_command_line(tmp_path: Path) -> None:
    assert lab("up", "by-hand").returncode == 0
    try:
        again = lab("up", "by-hand")
        assert (again.returncode, "is up already" in again.stdout) == (0, True)
        (row,) = [row for row in json.loads(lab("list", "--json").stdout) if row["name"] == "by-hand"]
        assert row == {**row, "state": "on", "owner": None}
        assert lab("exec", "by-hand", "--", "sh", "-c", "echo kept >/root/kept; exit 7").returncode == 7
        assert lab("crash", "by-hand").returncode == 0
        off = lab("exec", "by-hand", "true")
        assert (off.returncode, "does not run" in off.stderr) == (int(ExitCode.FAILED), True)
        assert lab("up", "by-hand").returncode == 0
        assert lab("exec", "by-hand", "cat", "/root/kept").stdout == "kept\n"
        assert lab("power-cut", "by-hand").returncode == 0
    finally:
        assert lab("down", "by-hand").returncode == 0
    number = int(row["id"].split("-")[0])
    assert traces(number) == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["exec", "nobody", "true"], 2, "There is no box 'nobody'."),
        (["down", "nobody"], 2, "There is no box 'nobody'."),
        (["up", "Not_A_Name"], 2, "'Not_A_Name' is no name for a box."),
        (["exec", "nobody"], 2, "No command to run in the box."),
        (["up", "x", "--engines", "22", "--repository", "/nonexistent"], 2, "is not a package repository"),
    ],
)
def test_the_command_line_refuses_with_a_reason(words: list[str], code: int, message: str) -> None:
    refused = lab(*words)
    assert refused.returncode == code
    assert message in refused.stderr
