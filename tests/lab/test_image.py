"""A disk image made from the lab's bootable medium: signed, and started to dial tone on both firmwares.

The system is the lab's base in place of Enterprise Linux's packages; dnf, file systems, LVM, GRUB, dracut,
the kickstart's %post and the kernel are real.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Dict, Iterator, NamedTuple, Set, Tuple

import pytest

from lab import bootable, images
from lab.stub import RPM_HOME
from support import disk_images, image_files, media
from support.boxes import common_repository
from switchroom.build.iso.lab_base import lab_base
from switchroom.build.keys import development_key
from switchroom.build.workspace import cache_dir
from switchroom.core.errors import ExitCode

__all__ = ["common_repository"]  # a fixture
pytestmark = pytest.mark.lab(
    "debootstrap", "dnf", "lvm", "mkfs.xfs", "qemu-img", "qemu-system-x86_64", "rpmbuild", "sfdisk", "ssh"
)

DATA = Path(__file__).parents[1] / "data"
_REASONS = "SELECT rpm.name, trans_item.reason FROM trans_item JOIN rpm USING (item_id)"
_NEEDED, _BY_NAME = 1, 2  # libdnf's TransactionItemReason: DEPENDENCY, USER


class Made(NamedTuple):
    """An image, the private key that its root lets in, and what LVM noted on the machine that made it."""

    image: Path
    key: Path
    notes: Set[Tuple[Path, float]]


@pytest.fixture(scope="module")
def made(common_repository: Path) -> Iterator[Made]:
    # Not below /tmp: what the build leaves under its own path must not give the new system its /tmp.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        image, key = Path(folder, "pbx.qcow2"), Path(folder, "key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        before = lvm_notes()
        done = disk_images.make(bootable.medium(), common_repository, image, "--ssh-key", f"{key}.pub")
        assert done.returncode == ExitCode.DONE, done.stderr
        assert str(image) in done.stdout
        yield Made(image, key, lvm_notes() - before)


def lvm_notes() -> Set[Tuple[Path, float]]:
    return {(path, path.stat().st_mtime) for path in Path("/etc/lvm").glob("*/pbx*")}


def test_it_is_signed_and_tells_what_is_in_it(made: Made, tmp_path: Path) -> None:
    folder = made.image.parent
    assert sorted(path.name for path in folder.glob("pbx*")) == [
        "pbx.qcow2",
        "pbx.qcow2.SHA256SUMS",
        "pbx.qcow2.SHA256SUMS.asc",
        "pbx.qcow2.manifest.json",
    ]
    subprocess.run(["sha256sum", "--check", "--quiet", "pbx.qcow2.SHA256SUMS"], cwd=folder, check=True)
    (tmp_path / "key").write_bytes(development_key().export_public())
    subprocess.run(["gpg", "--homedir", tmp_path, "--quiet", "--import", "key"], cwd=tmp_path, check=True)
    signature = folder / "pbx.qcow2.SHA256SUMS.asc"
    verify = ["gpg", "--homedir", tmp_path, "--verify", signature, folder / "pbx.qcow2.SHA256SUMS"]
    assert b"Good signature" in subprocess.run(verify, check=True, capture_output=True).stderr
    manifest = json.loads((folder / "pbx.qcow2.manifest.json").read_text())
    assert manifest["base"]["sha256"] == hashlib.sha256(bootable.medium().read_bytes()).hexdigest()
    assert manifest["series"]["key"] == "22"
    assert manifest["disk"]["size_mib"] == 24 * 1024
    names = {one["nevra"].rsplit("-", 2)[0] for one in manifest["packages"]}
    assert {"lab-system", "switchroom", "switchroom-first-boot", "asterisk22", "firewalld", "chrony"} <= names


def test_it_takes_the_space_of_what_is_in_it(made: Made) -> None:
    words = ["qemu-img", "info", "--output=json", made.image]
    found = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    assert (found["format"], found["virtual-size"]) == ("qcow2", 24 << 30)
    assert found["actual-size"] < 1 << 30


class Disk(NamedTuple):
    """What is in an image: the bytes of its disk, its files, and who asked for which package."""

    raw: Path
    unowned: Set[str]
    root: Path


@pytest.fixture(scope="module")
def disk(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    folder = tmp_path_factory.mktemp("disk")
    raw = image_files.raw(made.image, folder)
    with image_files.mounted(raw, folder / "root") as root:
        yield Disk(raw, image_files.unowned(root, folder), root)


def test_nothing_on_its_disk_tells_of_the_machine_that_made_it(made: Made, disk: Disk) -> None:
    builder = [disk_images.BUILDER["host"], disk_images.BUILDER["LOGNAME"]]
    assert image_files.mentions(disk.raw, [*builder, str(made.image.parent), RPM_HOME["HOME"]]) == {}


def test_nothing_of_it_stays_on_the_machine_that_made_it(made: Made) -> None:
    assert made.notes == set()
    assert [path.name for path in made.image.parent.iterdir() if path.name.startswith(".")] == []


def test_each_file_is_a_package_s_or_is_meant_to_be_there(disk: Disk) -> None:
    rules = [line.split("\t") for line in (DATA / "image-files.tsv").read_text().splitlines()[2:]]
    meant = [pattern for pattern, _why in rules]
    strays = {path for path in disk.unowned if not any(fnmatch.fnmatch(path, rule) for rule in meant)}
    assert strays == set()
    idle = {rule for rule in meant if not any(fnmatch.fnmatch(path, rule) for path in disk.unowned)}
    assert idle == set(), "these rules allow what is not there"


def test_what_machines_may_not_share_is_empty_or_away(disk: Disk) -> None:
    assert (disk.root / "etc/machine-id").read_bytes() == b""
    emptied = ["tmp", "var/tmp", "var/cache/dnf", "var/log/journal"]
    left = {name: sorted(path.name for path in (disk.root / name).glob("*")) for name in emptied}
    assert {name: found for name, found in left.items() if found} == {}
    assert not list((disk.root / "etc/ssh").glob("ssh_host_*"))


def test_dnf_knows_why_each_package_is_there_and_not_who_built_the_image(disk: Disk, tmp_path: Path) -> None:
    shutil.copy(disk.root / "var/lib/dnf/history.sqlite", tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "history.sqlite")) as history:
        rows = history.execute("SELECT user_id, cmdline FROM trans").fetchall()
        reasons = dict(history.execute(_REASONS).fetchall())
    assert len(rows) > 1
    assert {user for user, _line in rows} == {-1}  # as libdnf keeps "unset": no login made them
    assert not [line for _user, line in rows if "installroot" in line or "--config" in line]
    assert {reasons[name] for name in ("chrony", "switchroom-first-boot", "asterisk22")} == {_BY_NAME}
    assert {reasons[name] for name in reasons if name.startswith("asterisk22.")} == {_NEEDED}


@pytest.fixture(scope="module")
def boots(made: Made) -> Iterator[Dict[str, Future[Dict[str, str]]]]:
    """What a machine says of itself after its start, for each firmware; both start at once."""
    with ThreadPoolExecutor(2) as pool:
        yield {firmware: pool.submit(boot, made, firmware) for firmware in ("bios", "uefi")}


# Asked of both machines, then of one: the first boot goes on meanwhile, and emulation is slow.
_OF_BOTH = {
    "firmware": "test -d /sys/firmware/efi && echo uefi || echo bios",
    "machine": "cat /etc/machine-id",
    "keys": "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
}
_OF_ONE = {
    "active": "systemctl is-active asterisk sshd firewalld",
    "mounts": "findmnt -nl --real --output TARGET,SOURCE,FSTYPE; swapon --noheadings --show=NAME",
    "free": "vgs --noheadings --nosuffix --units g --options vg_free pbx",
    "fstab": "cat /etc/fstab",
    "default": "systemctl get-default; systemctl is-enabled chronyd sshd firewalld switchroom-first-boot",
    "modes": "cd /etc; stat -c '%a %n' fstab locale.conf default /boot/grub2 /root/.ssh/authorized_keys",
    "root": "passwd --status root; hostname; readlink /etc/localtime; cat /etc/locale.conf",
}


def boot(made: Made, firmware: str) -> Dict[str, str]:
    questions = {**_OF_BOTH, **_OF_ONE} if firmware == "bios" else _OF_BOTH
    with disk_images.started(made.image, made.image.parent / firmware, firmware, made.key) as machine:
        health = machine.wait_for("switchroom health") if firmware == "bios" else ""
        said = {name: machine.ask(text) for name, text in questions.items()}
        return {**said, "console": machine.guest.serial(), "health": health}


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_it_starts_to_a_login(boots: Dict[str, Future[Dict[str, str]]], firmware: str) -> None:
    said = boots[firmware].result()
    assert said["firmware"] == f"{firmware}\n"
    assert "pbx login: " in said["console"]


def test_it_has_dial_tone(boots: Dict[str, Future[Dict[str, str]]]) -> None:
    said = boots["bios"].result()
    assert "Healthy: this box has dial tone." in said["health"]
    assert said["active"].split() == ["active"] * 3


def test_its_disk_is_divided_as_an_installation_divides_it(boots: Dict[str, Future[Dict[str, str]]]) -> None:
    said = boots["bios"].result()
    rows = [line.split() for line in said["mounts"].splitlines()]
    assert ["/", "/dev/mapper/pbx-root", "xfs"] in rows
    assert ["/var", "/dev/mapper/pbx-var", "xfs"] in rows
    assert {row[0]: row[2] for row in rows if row[0].startswith("/boot")} == {
        "/boot": "xfs",
        "/boot/efi": "vfat",
    }
    assert rows[-1][0].startswith("/dev/dm-")
    assert float(said["free"]) > 3  # for snapshots
    options = {row[1]: row[3] for row in map(str.split, said["fstab"].splitlines())}
    assert [place for place in options if "nofail" in options[place]] == ["/boot", "/boot/efi", "none"]


def test_its_system_is_the_one_that_the_kickstart_describes(boots: Dict[str, Future[Dict[str, str]]]) -> None:
    said = boots["bios"].result()
    assert said["default"].split() == ["multi-user.target", *["enabled"] * 4]
    assert said["root"].split()[:2] == ["root", "L"]  # no password
    assert said["root"].splitlines()[1:] == [
        "pbx.localdomain",
        "../usr/share/zoneinfo/Etc/UTC",
        "LANG=en_US.UTF-8",
    ]


def test_its_files_have_the_modes_of_a_system(boots: Dict[str, Future[Dict[str, str]]]) -> None:
    modes = dict(line.split()[::-1] for line in boots["bios"].result()["modes"].splitlines())
    assert (modes.pop("/root/.ssh/authorized_keys"), modes.pop("default")) == ("600", "755")
    assert modes == {"fstab": "644", "locale.conf": "644", "/boot/grub2": "755"}


def test_machines_from_one_image_share_no_identity(boots: Dict[str, Future[Dict[str, str]]]) -> None:
    bios, uefi = (boots[firmware].result() for firmware in ("bios", "uefi"))
    assert len(bios["machine"].strip()) == 32
    assert bios["machine"] != uefi["machine"]
    assert bios["keys"] != uefi["keys"]


def test_base_whose_packages_another_key_signed_leaves_nothing(
    common_repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.asc").write_bytes(other_key(tmp_path))
    base, out = tmp_path / "base.iso", tmp_path / "out" / "pbx.qcow2"
    place = "/RPM-GPG-KEY-lab"
    changes = ["-boot_image", "any", "replay", "-rm", place, "--", "-map", tmp_path / "other.asc", place]
    words = ["xorriso", "-indev", bootable.medium(), "-outdev", base, *changes, "-end"]
    subprocess.run(words, check=True, capture_output=True)
    done = disk_images.make(base, common_repository, out)
    assert done.returncode == ExitCode.FAILED
    assert "GPG check FAILED" in done.stderr
    assert list(out.parent.iterdir()) == []


def other_key(folder: Path) -> bytes:
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--passphrase", ""]
    subprocess.run(
        [*gpg, "--quick-gen-key", "Somebody else", "ed25519", "sign"], check=True, capture_output=True
    )
    exported = subprocess.run([*gpg, "--armor", "--export"], check=True, capture_output=True).stdout
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)
    return exported


def test_base_without_packages_is_refused(common_repository: Path, tmp_path: Path) -> None:
    done = disk_images.make(lab_base(cache_dir("iso"), "9"), common_repository, tmp_path / "out/pbx.qcow2")
    assert done.returncode == ExitCode.REFUSED
    assert "@core" in done.stderr
    assert "--repo ID=PATH" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_enterprise_linux_is_made_on_enterprise_linux(common_repository: Path, tmp_path: Path) -> None:
    done = disk_images.make(media.el_medium(tmp_path), common_repository, tmp_path / "out/pbx.qcow2")
    assert done.returncode == ExitCode.REFUSED
    assert "made on Enterprise Linux 9 itself" in done.stderr


def test_killed_it_leaves_no_image_and_no_device(common_repository: Path, tmp_path: Path) -> None:
    out = tmp_path / "pbx.qcow2"
    argv = images.command(bootable.medium(), common_repository, out)
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen(argv, env=images.environment(), stderr=log, start_new_session=True)
    deadline = time.monotonic() + 300
    while b"Installing the system" not in (tmp_path / "log").read_bytes():
        assert child.poll() is None, (tmp_path / "log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert str(tmp_path) in devices()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    while str(tmp_path) in devices():
        assert time.monotonic() < deadline, devices()
        time.sleep(0.2)
    assert not out.exists()
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
    shutil.rmtree(tmp_path)  # nothing is mounted there that would be in the way


def devices() -> str:
    """Return the files that loop devices show."""
    return subprocess.run(
        ["losetup", "--list", "--output=BACK-FILE"], check=True, capture_output=True, text=True
    ).stdout
