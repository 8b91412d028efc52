"""The kickstart's real scripts, run with stand-ins for the tools that need an installer around them.

The disk script meets real disks in tests/lab/test_pre_disk.py; here are the machines that QEMU cannot give.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Dict, List

import pytest
import yaml
from pykickstart.constants import KS_SCRIPT_POST, KS_SCRIPT_PRE

from support.kickstarts import VOLUME_ID, scripts, settings
from switchroom.build.kickstart.check import check
from switchroom.build.kickstart.render import DISK_INCLUDE, render
from switchroom.build.kickstart.settings import Mode
from switchroom.build.workspace import data_path

# One disk a line: NAME|SIZE|RM|RO|TRAN|MODEL|SERIAL|LABEL. Answers the three questions the script asks.
_LSBLK = r"""
while [ $# -gt 0 ]; do
  case $1 in
    --output) column=$2; shift ;;
    /dev/*) device=${1#/dev/} ;;
    --inverse) inverse=yes ;;
  esac
  shift
done
if [ -n "${inverse:-}" ]; then echo "${device%[0-9]} disk"; exit; fi
while IFS='|' read -r name size rm ro tran model serial label; do
  [ "${device:-$name}" = "$name" ] || continue
  case $column in
    NAME,TYPE) echo "$name disk" ;;
    SIZE) echo "$size" ;; RM) echo "$rm" ;; RO) echo "$ro" ;; TRAN) echo "$tran" ;;
    MODEL) echo "$model" ;; SERIAL) echo "$serial" ;; LABEL) printf '\n%s\n' "$label" ;;
  esac
done <"$LAB/disks"
"""
_FINDMNT = 'case $* in *"/run/install/repo") cat "$LAB/medium" ;; *) exit 1 ;; esac'
# dnf -y --setopt=reposdir=FOLDER[,FOLDER] …: keeps each repository of the first folder in a file of its own.
# What it is only to download is one package of the medium, and one that is from elsewhere.
_DNF = r"""
case $* in *--downloadonly*)
  echo "$@" >"$LAB/downloaded"; folder=$(echo "$*" | sed 's/.*--downloaddir=\([^ ]*\).*/\1/')
  touch "$folder/chrony-4.5-1.el9.x86_64.rpm" "$folder/elsewhere-1-1.el9.x86_64.rpm"; exit 0 ;;
esac
echo "$@" >"$LAB/arguments"; folders=${2#*reposdir=}; cp "${folders%%,*}"/*.repo "$LAB"
"""
_STOP = "kill -9 0"  # what the script does instead of waiting for ever
_GIB = 1 << 30

PLAIN = f"sda|{64 * _GIB}|0|0|sata|Plain|S1|"
FAST = f"nvme0n1|{64 * _GIB}|0|0|nvme|Fast|N1|"


class Installer:
    """A folder that stands in for the installer: tools first on PATH, a boot line, a place for every file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        self.tool("sleep", _STOP)
        self.write("cmdline", "quiet\n")

    def tool(self, name: str, body: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, script: str, moved: Dict[str, str]) -> str:
        """Run a script with its absolute paths moved into the folder; return what it printed."""
        for path, name in moved.items():
            script = script.replace(path, str(self.folder / name))
        script = script.replace("/proc/cmdline", str(self.folder / "cmdline"))
        script = script.replace("/sys/class/tty/console/active", "/dev/null")
        environment = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "LAB": str(self.folder)}
        environment["TMPDIR"] = str(self.folder)
        return subprocess.run(
            ["bash", self.write("script", script)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=False,
            timeout=60,
        ).stdout.decode()


@pytest.fixture
def installer(tmp_path: Path) -> Installer:
    return Installer(tmp_path)


def choose_disk(
    installer: Installer, disks: List[str], line: str = "", medium: str = "", mode: Mode = Mode.UNATTENDED
) -> str:
    """Run the disk script and return what it printed, followed by the storage commands."""
    installer.tool("lsblk", _LSBLK)
    installer.tool("findmnt", _FINDMNT if medium else "exit 1")
    installer.write("medium", f"{medium}\n")
    installer.write("disks", "\n".join(disks) + "\n")
    installer.write("cmdline", f"quiet {line}\n")
    script = scripts(render(settings(mode=mode)), KS_SCRIPT_PRE)[1]
    printed = installer.run(script, {"/tmp/switchroom-disk.ks": "include", "/sys/firmware/efi": "efi"})
    include = installer.folder / "include"
    return printed + "=== " + (include.read_text() if include.exists() else "nothing written")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (f"sdb|{64 * _GIB}|0|0|sata|Old|S2|{VOLUME_ID}", "the boot medium"),
        (f"sdb|{64 * _GIB}|0|0|sata|Old|S2|FROM BOOT LINE", "the boot medium"),
        (f"sdb|{64 * _GIB}|0|0|usb|Fixed|S2|", "removable"),
        (f"sdb|{64 * _GIB}|1|0|sata|Slot|S2|", "removable"),
        (f"sdb|{64 * _GIB}|0|1|sata|Tape|S2|", "read-only"),
        (f"sdb|{24 * _GIB - 1}|0|0|sata|Small|S2|", "too small"),
    ],
)
def test_a_disk_not_to_be_taken_is_passed_over_and_refused_by_name(
    installer: Installer, other: str, reason: str
) -> None:
    line = "inst.stage2=hd:LABEL=FROM\\x20BOOT\\x20LINE"
    assert "ignoredisk --only-use=sda\n" in choose_disk(installer, [PLAIN, other], line)
    (installer.folder / "include").unlink()
    refused = choose_disk(installer, [PLAIN, other], f"{line} switchroom.disk=sdb")
    assert f"switchroom.disk=sdb is {reason}" in refused
    assert refused.endswith("=== nothing written")


def test_the_disk_the_installer_runs_from_is_the_boot_medium(installer: Installer) -> None:
    other = PLAIN.replace("sda", "sdb").replace("S1", "S2")
    chosen = choose_disk(installer, [PLAIN, other], medium="/dev/sda1")
    assert "ignoredisk --only-use=sdb\n" in chosen


def test_devices_in_memory_are_no_disks(installer: Installer) -> None:
    memory = f"zram0|{64 * _GIB}|0|0||||"
    assert "ignoredisk --only-use=nvme0n1\n" in choose_disk(installer, [memory, FAST])


def test_a_serial_number_on_two_disks_names_none(installer: Installer) -> None:
    refused = choose_disk(installer, [PLAIN, FAST.replace("N1", "S1")], "switchroom.disk=S1")
    assert "none of this machine's disks, or more than one" in refused
    assert refused.endswith("=== nothing written")


def test_a_machine_without_disks_is_told_so(installer: Installer) -> None:
    assert "none can take the system" in choose_disk(installer, [])


def test_a_person_confirms_even_the_only_disk(installer: Installer) -> None:
    chosen = choose_disk(installer, [PLAIN], mode=Mode.INTERACTIVE)
    assert chosen.endswith("=== ignoredisk --only-use=sda\n")


@pytest.mark.parametrize("gib", [24, 25, 100, 4000])
def test_the_volumes_fit_and_leave_room_for_snapshots(installer: Installer, gib: int) -> None:
    chosen = choose_disk(installer, [f"sda|{gib * _GIB}|0|0|sata|Disk|S1|"])
    sizes = [int(line.rpartition("=")[2]) for line in chosen.splitlines() if line.startswith("logvol")]
    assert len(sizes) == 3
    assert min(sizes) > 0
    assert 0.15 < 1 - (sum(sizes) + 2048) / (gib * 1024) < 0.25


@pytest.mark.parametrize("uefi", [True, False])
def test_two_disks_are_mirrored_with_what_boots_them_on_both(installer: Installer, uefi: bool) -> None:
    if uefi:
        (installer.folder / "efi").mkdir()
    chosen = choose_disk(installer, [PLAIN, FAST], "switchroom.layout=raid1").partition("=== ")[2]
    assert "ignoredisk --only-use=sda,nvme0n1\n" in chosen
    assert "clearpart --all --initlabel --disklabel=gpt --drives=sda,nvme0n1\n" in chosen
    for el in (9, 10):
        check(render(settings(el=el)).replace(f"%include {DISK_INCLUDE}\n", chosen), el)
    for disk in ("sda", "nvme0n1"):
        starters = [line for line in chosen.splitlines() if f"--ondisk={disk}" in line]
        assert sum("biosboot" in line for line in starters) == (not uefi)
        assert sum("raid.boot_efi" in line for line in starters) == uefi
    mirrors = {line.split()[1]: line.split()[-2:] for line in chosen.splitlines() if line.startswith("raid ")}
    assert mirrors.get("/boot/efi", []) == (["raid.boot_efi1", "raid.boot_efi2"] if uefi else [])
    assert mirrors["/boot"] == ["raid.boot1", "raid.boot2"]
    assert mirrors["pv.switchroom"] == ["raid.pv1", "raid.pv2"]


def test_mirrored_volumes_fit_the_smaller_disk(installer: Installer) -> None:
    small = f"sda|{30 * _GIB}|0|0|sata|Small|S1|"
    chosen = choose_disk(installer, [small, FAST], "switchroom.layout=raid1")
    sizes = [int(line.rpartition("=")[2]) for line in chosen.splitlines() if line.startswith("logvol")]
    assert sum(sizes) < 30 * 1024 - 2048


@pytest.mark.parametrize(
    ("disks", "line", "why"),
    [
        ([PLAIN], "switchroom.layout=raid1", "is 1, and the layout 'raid1' takes 2"),
        ([PLAIN, FAST, PLAIN.replace("sda", "sdb")], "switchroom.layout=raid1", "is 3, and the layout"),
        ([PLAIN, FAST], "switchroom.layout=raid1 switchroom.disk=sda", "names 1, and the layout"),
        ([PLAIN, FAST], "switchroom.layout=raid1 switchroom.disk=sda,sda", "is named twice"),
        ([PLAIN, FAST], "switchroom.layout=raid1 switchroom.disk=sda,S1", "is named twice"),
        ([PLAIN, FAST], "switchroom.layout=raid1 switchroom.disk=sda,sdc", "switchroom.disk=sdc is none"),
        ([PLAIN, FAST], "switchroom.disk=sda,nvme0n1", "names 2, and the layout 'single' takes 1"),
        ([PLAIN, FAST], "switchroom.layout=raid5", "switchroom.layout=raid5 is none of: single raid1"),
    ],
)
def test_a_layout_takes_its_number_of_disks_and_never_guesses(
    installer: Installer, disks: List[str], line: str, why: str
) -> None:
    refused = choose_disk(installer, disks, line)
    assert why in refused
    assert refused.endswith("=== nothing written")


def test_disks_named_in_any_way_are_mirrored(installer: Installer) -> None:
    others = [PLAIN, FAST, PLAIN.replace("sda", "sdb").replace("S1", "S2")]
    chosen = choose_disk(installer, others, "switchroom.layout=raid1 switchroom.disk=S2,nvme0n1")
    assert "ignoredisk --only-use=sdb,nvme0n1\n" in chosen


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("switchroom.asterisk=17", "no Asterisk '17'.\nOn it are: 22, certified-22.8."),
        ("switchroom.asterisk=22.8", "no Asterisk '22.8'"),
        ("switchroom.asterisk=certified-22.8", "Asterisk series: certified-22.8"),
        ("switchroom.asterisk=17 switchroom.asterisk=22", "Asterisk series: 22"),
        ("", "Asterisk series: 22"),
    ],
)
def test_the_version_comes_from_the_boot_line(installer: Installer, line: str, words: str) -> None:
    installer.write("cmdline", f"quiet {line}\n")
    assert words in installer.run(scripts(render(settings()), KS_SCRIPT_PRE)[0], {})


def install_packages(installer: Installer, offline: bool = False, dnf: str = "exit 0") -> str:
    """Run the package script; dnf keeps its arguments and the repositories it was given."""
    installer.tool("dnf", f"{_DNF}\n{dnf}")
    installer.tool("systemctl", 'echo "$@" >>"$LAB/enabled"')
    installer.tool("restorecon", "exit 0")
    installer.write("dnf.conf", "[main]\nbest=True\n")
    for name in ("manifest.json", "repo/ours.rpm", "RPM-GPG-KEY-switchroom"):
        installer.write(f"media/switchroom/{name}", "{}")
    installer.write("media/BaseOS/repodata/repomd.xml", "")
    for name in ("c/chrony-4.5-1.el9.x86_64.rpm", "b/bash-5.1-1.el9.x86_64.rpm"):
        installer.write(f"media/BaseOS/Packages/{name}", "")
    script = next(
        one for one in scripts(render(settings(offline=offline)), KS_SCRIPT_POST) if "dnf -y" in one
    )
    moved = {"/mnt/switchroom-media": "media", "/etc/switchroom": "etc", "/var/lib/switchroom": "state"}
    return installer.run(script, {**moved, "/etc/dnf/dnf.conf": "dnf.conf"})


def test_the_chosen_version_is_installed_enabled_and_recorded(installer: Installer) -> None:
    installer.write("cmdline", "switchroom.asterisk=certified-22.8\n")
    install_packages(installer)
    assert (installer.folder / "arguments").read_text().split()[-1] == "asterisk22.8cert"
    enabled = "enable asterisk.service\nenable switchroom-first-boot.service switchroom-issue.service\n"
    assert (installer.folder / "enabled").read_text() == enabled
    record = json.loads((installer.folder / "etc/install.json").read_text())
    assert (record["asterisk"], record["volume_id"]) == ("certified-22.8", VOLUME_ID)
    assert len(record["manifest_sha256"]) == 64


@pytest.mark.parametrize("offline", [True, False])
def test_packages_come_from_the_medium_and_are_verified(installer: Installer, offline: bool) -> None:
    install_packages(installer, offline)
    ours = (installer.folder / "switchroom-media.repo").read_text()
    assert f"gpgkey=file://{installer.folder}/media/switchroom/RPM-GPG-KEY-switchroom\n" in ours
    assert "\ngpgcheck=1\nrepo_gpgcheck=1\n" in ours
    assert "\ngpgcheck=1\n" in (installer.folder / "media-BaseOS.repo").read_text()
    assert not (installer.folder / "media-AppStream.repo").exists()
    assert ("/etc/yum.repos.d" in (installer.folder / "arguments").read_text()) is not offline


def test_what_the_first_boot_needs_stays_on_the_disk(installer: Installer) -> None:
    install_packages(installer, offline=True)
    left, state = installer.folder / "state/media", installer.folder / "state/first-boot"
    found = {str(path.relative_to(left)) for path in left.rglob("*.rpm")}
    assert found == {"BaseOS/Packages/c/chrony-4.5-1.el9.x86_64.rpm", "switchroom/repo/ours.rpm"}
    assert (left / "BaseOS/repodata/repomd.xml").is_file()
    assert (left / "dnf.conf").read_text() == f"[main]\nbest=True\nreposdir={left}/repos\n"
    ours = (left / "repos/switchroom-media.repo").read_text()
    assert "[switchroom-stable]\n" in ours
    assert f"baseurl=file://{left}/switchroom/repo\n" in ours
    assert (state / "due").is_file()
    inventory = installer.folder / "etc/first-boot.yml"
    assert inventory.stat().st_mode & 0o777 == 0o600
    variables = yaml.safe_load(inventory.read_text())["pbx"]["vars"]
    assert variables == {
        "pbx_profile": "asterisk",
        "repositories_epel": False,
        "repositories_crb": False,
    }


def test_with_a_network_the_first_boot_may_use_it(installer: Installer) -> None:
    install_packages(installer, offline=False)
    conf = (installer.folder / "state/media/dnf.conf").read_text()
    assert conf.endswith("state/media/repos,/etc/yum.repos.d\n")
    variables = yaml.safe_load((installer.folder / "etc/first-boot.yml").read_text())["pbx"]["vars"]
    assert "repositories_epel" not in variables


def test_a_failed_installation_stops_and_leaves_no_record(installer: Installer) -> None:
    printed = install_packages(installer, dnf="echo no such package; exit 1")
    assert "asterisk22 could not be installed from the medium" in printed
    assert not (installer.folder / "etc/install.json").exists()


def test_any_unforeseen_failure_stops_the_installation(installer: Installer) -> None:
    installer.tool("sha256sum", "exit 1")
    installer.tool("mkdir", "exit 1")
    assert "SWITCHROOM STOPS: the installation script failed" in install_packages(installer)


def test_the_first_password_is_asked_for_until_it_is_set(installer: Installer) -> None:
    installer.tool("passwd", 'echo "$@" >>"$LAB/asked"; [ "$(wc -l <"$LAB/asked")" = 2 ]')
    installer.tool("systemctl", 'echo "$@" >>"$LAB/stopped"')
    mark = installer.write("etc/first-password", "")
    program = (data_path("kickstart") / "first-password" / "first-password.sh").read_text()
    installer.run(f"set -- tty1\n{program}", {"/etc/switchroom": "etc"})
    assert (installer.folder / "asked").read_text() == "root\nroot\n"
    assert not mark.exists()
    assert "switchroom-first-password@ttyS0.service" in (installer.folder / "stopped").read_text()


ANACONDAS_FSTAB = """
#
# /etc/fstab
# Created by anaconda on Mon Nov 23 10:00:00 2026
#
/dev/mapper/pbx-root    /                       xfs     defaults        0 0
UUID=0f1e /boot                   xfs     defaults        0 0
UUID=7B77-95E7          /boot/efi               vfat    umask=0077,shortname=winnt 0 2
/dev/mapper/pbx-var     /var                    xfs     defaults        0 0
/dev/mapper/pbx-swap    none                    swap    defaults        0 0
"""


def test_dial_tone_does_not_hang_on_what_a_running_pbx_can_do_without(installer: Installer) -> None:
    installer.write("fstab", ANACONDAS_FSTAB)
    script = (data_path("kickstart") / "scripts/post-fstab.sh").read_text()
    assert script in scripts(render(settings()), KS_SCRIPT_POST)[1]
    assert installer.run(script, {"/etc/fstab": "fstab"}) == ""
    told = (installer.folder / "fstab").read_text().splitlines()
    assert told[:6] == ANACONDAS_FSTAB.splitlines()[:6]
    assert [line.split()[1:4] for line in told[6:]] == [
        ["/boot", "xfs", "defaults,nofail"],
        ["/boot/efi", "vfat", "umask=0077,shortname=winnt,nofail"],
        ["/var", "xfs", "defaults,x-systemd.device-timeout=10min"],
        ["none", "swap", "defaults,nofail"],
    ]
    verify = ["findmnt", "--verify", "--tab-file", installer.folder / "fstab"]
    assert b"0 parse errors" in subprocess.run(verify, capture_output=True, check=False).stderr
