"""The kickstart's real scripts, run with stand-ins for the tools that need an installer around them.

The scripts that look at the machine are in test_kickstart_disks.py and test_kickstart_network.py.
"""

from __future__ import annotations

import json
import subprocess
from typing import Dict, Sequence

import pytest
import yaml
from pykickstart.constants import KS_SCRIPT_ONERROR, KS_SCRIPT_POST, KS_SCRIPT_PRE

from support.installer import Installer, installer
from support.kickstarts import VOLUME_ID, scripts, settings
from switchroom.build.kickstart.render import render
from switchroom.build.kickstart.settings import Mode
from switchroom.build.workspace import data_path

__all__ = ["installer"]  # a fixture

# dnf -y --setopt=reposdir=FOLDER[,FOLDER] …: keeps each repository of the first folder in a file of its own.
# What it is only to download is one package of the medium, and one that is from elsewhere.
_DNF = r"""
case $* in *--downloadonly*)
  echo "$@" >"$LAB/downloaded"; folder=$(echo "$*" | sed 's/.*--downloaddir=\([^ ]*\).*/\1/')
  touch "$folder/chrony-4.5-1.el9.x86_64.rpm" "$folder/elsewhere-1-1.el9.x86_64.rpm"; exit 0 ;;
esac
echo "$@" >"$LAB/arguments"; folders=${2#*reposdir=}; cp "${folders%%,*}"/*.repo "$LAB"
"""


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


# As the packages of a distribution leave them in /etc/yum.repos.d; Rocky's own name its test key nowhere.
_REPOSITORY_FILES = {
    "rocky.repo": """\
[baseos]
name=Rocky Linux $releasever - BaseOS
gpgcheck=1
enabled=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-Rocky-9

[baseos-debug]
enabled=0
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-Debug
""",
    "rocky-devel.repo": """\
[devel]
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-Rocky-9-Testing
enabled = False
#gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-Old
""",
    "site.repo": """\
[site]
gpgkey = file:///etc/pki/rpm-gpg/RPM-GPG-KEY-One,
    file:///etc/pki/rpm-gpg/RPM-GPG-KEY-Two
""",
}


def install_packages(
    installer: Installer, offline: bool = False, dnf: str = "exit 0", parts: Sequence[str] = ("BaseOS",)
) -> str:
    """Run the package script; dnf keeps its arguments and the repositories it was given."""
    installer.tool("dnf", f"{_DNF}\n{dnf}")
    installer.tool("systemctl", 'echo "$@" >>"$LAB/enabled"')
    installer.tool("restorecon", "exit 0")
    installer.write("dnf.conf", "[main]\nbest=True\n")
    for name in ("manifest.json", "repo/ours.rpm", "RPM-GPG-KEY-switchroom"):
        installer.write(f"media/switchroom/{name}", "{}")
    for name, text in _REPOSITORY_FILES.items():
        installer.write(f"yum.repos.d/{name}", text)
    for part in parts:
        installer.write(f"media/{part}/repodata/repomd.xml", "")
        for name in ("c/chrony-4.5-1.el9.x86_64.rpm", "b/bash-5.1-1.el9.x86_64.rpm"):
            installer.write(f"media/{part}/Packages/{name}", "")
    made_for = settings(offline=offline, media_repositories=[*parts, "Elsewhere"])
    script = next(one for one in scripts(render(made_for), KS_SCRIPT_POST) if "dnf -y" in one)
    moved = {"/mnt/switchroom-media": "media", "/etc/switchroom": "etc", "/var/lib/switchroom": "state"}
    moved |= {"/etc/dnf/dnf.conf": "dnf.conf", "/etc/yum.repos.d": "yum.repos.d"}
    return installer.run(script, moved)


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
    assert not (installer.folder / "media-Elsewhere.repo").exists()
    assert ("/yum.repos.d" in (installer.folder / "arguments").read_text()) is not offline


def test_packages_of_the_medium_are_verified_with_the_keys_that_enabled_repositories_name(
    installer: Installer,
) -> None:
    install_packages(installer)
    lines = (installer.folder / "media-BaseOS.repo").read_text().splitlines()
    keys = next(line.partition("=")[2] for line in lines if line.startswith("gpgkey="))
    names = [key.removeprefix("file:///etc/pki/rpm-gpg/RPM-GPG-KEY-") for key in keys.split()]
    assert names == ["Rocky-9", "One", "Two"]


@pytest.mark.parametrize("part", ["Minimal", "updates/BaseOS"])
def test_the_medium_s_own_folders_are_used_whatever_their_names(installer: Installer, part: str) -> None:
    install_packages(installer, offline=True, parts=[part])
    text = (installer.folder / f"media-{part.replace('/', '-')}.repo").read_text()
    assert f"\nbaseurl=file://{installer.folder}/media/{part}\n" in text
    left = installer.folder / "state/media" / part
    assert (left / "repodata/repomd.xml").is_file()
    assert [path.name for path in left.rglob("*.rpm")] == ["chrony-4.5-1.el9.x86_64.rpm"]


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
    assert conf.endswith(f"state/media/repos,{installer.folder}/yum.repos.d\n")
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


# Anaconda's own way out, after which nothing of the reason is left: pyanaconda/exception.py, handleException,
# runs the %onerror scripts, then sleeps 180 seconds, then exits, and its exit handler restarts the machine.
_GIVES_UP = "echo RESTARTED"
_LOGS = {
    "anaconda": "\n".join(
        [
            *(f"10:00:0{n},111 DBG ui.common: line {n}" for n in range(9)),
            "10:00:09,111 CRT anaconda.exception: Traceback (most recent call last):",
            'pyanaconda.errors.NonInteractiveError: The volume group name "pbx" is already in use.',
        ]
    ),
    "packaging": "10:00:03,222 ERR dnf: Failed to download metadata\n10:00:04,222 DBG dnf: quiet",
    "storage": "10:00:03,222 DBG blivet: quiet",
}


def give_up(installer: Installer, el: int, logs: Dict[str, str]) -> str:
    """Run what Anaconda runs when it fails, and what it does then; return what stands on the console."""
    for name, text in logs.items():
        installer.write(f"tmp/{name}.log", text + "\n")
    script = "\n".join(f"({one})" for one in scripts(render(settings(el=el)), KS_SCRIPT_ONERROR, el))
    return installer.run(f"{script}\n{_GIVES_UP}", {"/tmp": "tmp"})


@pytest.mark.parametrize("el", [9, 10])
def test_when_anaconda_itself_fails_the_machine_stays_and_says_why(installer: Installer, el: int) -> None:
    printed = give_up(installer, el, _LOGS)
    assert "SWITCHROOM STOPS: the installer failed" in printed
    assert '"pbx" is already in use' in printed
    assert "Failed to download metadata" in printed
    assert "quiet" not in printed
    assert "RESTARTED" not in printed
    assert len(printed.strip().splitlines()) <= 24, "it fits a screen"


def test_without_logs_too(installer: Installer) -> None:
    printed = give_up(installer, 9, {})
    assert "SWITCHROOM STOPS: the installer failed" in printed
    assert "RESTARTED" not in printed


def test_a_person_s_installer_shows_its_own_dialogs() -> None:
    assert scripts(render(settings(mode=Mode.INTERACTIVE)), KS_SCRIPT_ONERROR) == []


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
