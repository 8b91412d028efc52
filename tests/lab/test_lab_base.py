"""The lab base is what EL software expects to find, and no test can spoil it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.base import ensure_base
from lab.roots import inside, scratch_root
from lab.wardrobe import dress_layer
from support import el_real
from switchroom.core.errors import SwitchroomError

pytestmark = pytest.mark.lab("debootstrap", "rpmbuild", "unshare")


def text(root: Path, *words: str) -> str:
    return inside(root, *words).stdout.decode().strip()


def test_it_says_it_is_rocky_9_and_a_double(lab_root: Path) -> None:
    release = dict(line.split("=", 1) for line in (lab_root / "etc/os-release").read_text().splitlines())
    assert release["ID"] == '"rocky"'
    assert release["PLATFORM_ID"] == '"platform:el9"'
    assert release["VARIANT_ID"] == '"switchroom-lab"'
    version = release["VERSION_ID"].strip('"')
    assert version in (lab_root / "etc/redhat-release").read_text()
    assert (
        text(lab_root, "rpm", "-q", "--provides", "--whatprovides", "redhat-release").count(
            f"release = {version}\n"
        )
        == 3
    )


def test_its_rpm_database_holds_the_stub_alone(lab_root: Path) -> None:
    assert text(lab_root, "rpm", "-qa").startswith("lab-base-9.")
    assert text(lab_root, "rpm", "--eval", "%_dbpath %_libdir %rhel") == "/var/lib/rpm /usr/lib64 9"


@pytest.mark.parametrize(
    "capability",
    [
        "libc.so.6(GLIBC_2.34)(64bit)",
        "libsrtp2.so.1()(64bit)",
        "libxml2.so.2(LIBXML2_2.4.30)(64bit)",
        "/usr/libexec/platform-python",
    ],
)
def test_the_stub_provides_what_the_files_are(lab_root: Path, capability: str) -> None:
    assert text(lab_root, "rpm", "-q", "--whatprovides", capability).startswith("lab-base-")


def test_dnf_takes_it_for_release_9_and_works_without_a_network(lab_root: Path) -> None:
    assert "lab-base.x86_64" in text(lab_root, "unshare", "--net", "dnf", "list", "--installed")
    find = "import dnf.rpm; print(dnf.rpm.detect_releasever('/'))"
    assert text(lab_root, "/usr/libexec/platform-python", "-c", find) == "9"


def test_sshd_is_set_as_on_enterprise_linux(lab_root: Path) -> None:
    inside(lab_root, "mkdir", "-p", "/run/sshd")
    said = dict(line.split(" ", 1) for line in text(lab_root, "sshd", "-T").splitlines())
    assert (said["syslogfacility"], said["x11forwarding"], said["printmotd"]) == ("AUTHPRIV", "yes", "no")
    assert (said["gssapicleanupcredentials"], said["usepam"]) == ("no", "yes")
    name, server = said["subsystem"].split()
    assert (name, (lab_root / server[1:]).is_file()) == ("sftp", True)


def test_what_starts_is_what_starts_on_enterprise_linux(lab_root: Path) -> None:
    words = ["systemctl", f"--root={lab_root}", "list-unit-files", "--no-legend", "--no-pager"]
    rows = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
    state = {row.split()[0]: row.split()[1] for row in rows}
    started = {unit for unit, said in state.items() if said == "enabled"}
    assert started - el_real.on("9") == {"lab-sysnet.service"}
    assert {"sshd.service", "logrotate.timer", "dnf-makecache.timer", "remote-fs.target"} <= started
    there = {unit for unit, said in state.items() if said == "disabled"}
    assert there & el_real.on("9") == set()
    assert "ssh.service" not in state


def test_the_other_dress_turns_on_what_is_on_there() -> None:
    layer = dress_layer("el10")
    more = {path.name for path in (layer / "etc/systemd/system").glob("*.wants/*")}
    assert more == {"remote-cryptsetup.target", "systemd-pstore.service"}
    assert more <= el_real.on("10") - el_real.on("9")
    names = [line.partition(":")[0] for line in (layer / "etc/shadow").read_text().splitlines()]
    assert {line.partition(":")[0] for line in (layer / "etc/passwd").read_text().splitlines()} == set(names)


def test_files_have_owners_and_privileged_programs_their_bits(lab_root: Path) -> None:
    assert text(lab_root, "find", "/", "-xdev", "(", "-nouser", "-o", "-nogroup", ")") == ""
    assert text(lab_root, "stat", "-c", "%U:%G %a", "/usr/bin/sudo", "/var/log/wtmp", "/usr/bin/chage") == (
        "root:root 4755\nroot:utmp 664\nroot:shadow 2755"
    )
    assert text(lab_root, "id", "-u", "sshd") == "74"
    assert text(lab_root, "pwck", "--read-only", "--quiet") == ""


def test_a_boot_adds_no_user_that_enterprise_linux_has_not(lab_root: Path) -> None:
    before = (lab_root / "etc/passwd").read_text(), (lab_root / "etc/group").read_text()
    inside(lab_root, "systemd-sysusers")
    assert ((lab_root / "etc/passwd").read_text(), (lab_root / "etc/group").read_text()) == before


def test_programs_of_debian_are_out_of_sight(lab_root: Path) -> None:
    for name in ("apt", "apt-get", "dpkg"):
        assert inside(lab_root, "/bin/sh", "-c", f"command -v {name}", check=False).returncode != 0
    assert not (lab_root / "etc/debian_version").exists()


def test_a_second_call_gives_the_same_base(lab_base: Path) -> None:
    before = lab_base.stat().st_ino
    assert ensure_base() == lab_base
    assert lab_base.stat().st_ino == before


def spoil(base: Path, roots: list[Path]) -> None:
    with scratch_root(base) as root:
        roots.append(root)
        (root / "etc/os-release").unlink()
        (root / "left-behind").touch()
        inside(root, "false")


def test_a_scratch_root_leaves_no_trace_after_a_failure(lab_base: Path) -> None:
    roots: list[Path] = []
    with pytest.raises(SwitchroomError, match="chroot failed"):
        spoil(lab_base, roots)
    assert not roots[0].parent.exists()
    assert str(roots[0].parent) not in Path("/proc/self/mounts").read_text()
    assert (lab_base / "etc/os-release").is_file()
    assert not (lab_base / "left-behind").exists()


def test_the_scratch_root_of_a_killed_process_is_swept(lab_base: Path) -> None:
    code = f"""
import signal, sys
from pathlib import Path
from lab.roots import scratch_root
with scratch_root(Path({os.fspath(lab_base)!r})) as root:
    print(root, flush=True)
    signal.pause()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        orphan = Path(process.stdout.readline().decode().strip())
        process.send_signal(signal.SIGKILL)
    assert os.path.ismount(orphan)
    with scratch_root(lab_base):
        assert not orphan.parent.exists()
