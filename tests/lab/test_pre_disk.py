"""The kickstart's real %pre scripts, run in QEMU against machines with different disks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, Mapping, Sequence

import pytest
from pykickstart.constants import KS_SCRIPT_PRE

from support.kernel import lab_kernel, make_initrd
from support.kickstarts import VOLUME_ID, scripts, settings
from support.qemu import Guest, disk
from switchroom.build.kickstart.check import check
from switchroom.build.kickstart.render import render
from switchroom.build.kickstart.settings import Mode
from switchroom.build.labmedia import Content
from switchroom.core.process import run

pytestmark = pytest.mark.lab

_BOOT_LINE = "inst.stage2=hd:LABEL=SWITCHROOM\\x20TEST\\x209 quiet"

# Runs every case of /cases as the boot line in /proc/cmdline. `sleep` ends a script that would wait for ever.
_INIT = r"""
export PATH=/bin
busybox mkdir -p /proc /sys /dev /tmp /run/install/repo
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
busybox ln -s /proc/self/fd /dev/fd
for module in /modules/*.ko; do busybox insmod "$module"; done
wanted=$(busybox sed -n 's/.*lab\.disks=\([^ ]*\).*/\1/p' /proc/cmdline | busybox tr , ' ')
for disk in $wanted; do
  until [ -b "/dev/$disk" ]; do busybox usleep 100000; done
done
for disk in $wanted; do
  busybox mount -t iso9660 -o ro "/dev/$disk" /run/install/repo 2>/dev/null && break
done
busybox mkdir -p /dev/disk/by-id
for disk in $wanted; do busybox ln -s "../../$disk" "/dev/disk/by-id/lab-$disk"; done
# DISK:GROUP; a group sees no other disk, so that two can have one name.
for pair in $(busybox sed -n 's/.*lab\.groups=\([^ ]*\).*/\1/p' /proc/cmdline | busybox tr , ' '); do
  disk=/dev/${pair%:*}
  lvm vgcreate --config "devices { filter = [ \"a|^$disk$|\", \"r|.*|\" ] }" "${pair#*:}" "$disk"
done >/tmp/groups 2>&1 || busybox cat /tmp/groups
exec >/dev/ttyS0 2>&1
for case in /cases/*; do
  echo "=== case ${case##*/}"
  busybox rm -f /tmp/switchroom-disk.ks /tmp/switchroom-network.ks
  busybox mount --bind "$case" /proc/cmdline
  for script in /scripts/*; do /bin/setsid --wait bash "$script" >/tmp/log 2>&1 || break; done
  busybox umount /proc/cmdline
  echo "--- log"
  cat /tmp/log
  echo "--- include"
  [ -f /tmp/switchroom-disk.ks ] && cat /tmp/switchroom-disk.ks
  echo "--- network"
  [ -f /tmp/switchroom-network.ks ] && cat /tmp/switchroom-network.ks
  echo "=== end"
done
busybox poweroff -f
"""
_SLEEP = b"#!/bin/busybox sh\nkill -9 0\n"


def pre_scripts(mode: Mode) -> Dict[str, Content]:
    found = scripts(render(settings(mode=mode)), KS_SCRIPT_PRE)
    return {f"scripts/{number}": script.encode() for number, script in enumerate(found)}


def boot(
    folder: Path,
    drives: Sequence[str],
    disks: str,
    cases: Mapping[str, str],
    *,
    mode: Mode = Mode.UNATTENDED,
    groups: str = "",
) -> Dict[str, str]:
    """Boot a machine once and run the scripts for each boot line; return what each wrote, by case.

    ``groups`` are volume groups that lie on its disks already: DISK:GROUP, with commas between them.
    """
    files: Dict[str, Content] = {"bin/sleep": _SLEEP, **pre_scripts(mode)}
    files.update({f"cases/{name}": f"{_BOOT_LINE} {line}\n".encode() for name, line in cases.items()})
    initrd = make_initrd(files, _INIT, folder / "initrd.img")
    machine = ["-kernel", str(lab_kernel()), "-initrd", str(initrd)]
    line = ["-append", f"console=ttyS0 quiet panic=-1 lab.disks={disks} lab.groups={groups}"]
    with Guest(folder / "guest", [*machine, *line, *drives]) as guest:
        text = guest.wait_exit(300)
    found = dict(re.findall(r"^=== case (\S+)\n(.*?)^=== end$", text, re.DOTALL | re.MULTILINE))
    assert set(found) == set(cases), text
    return found


def include_of(result: str) -> str:
    return result.partition("--- include\n")[2].partition("--- network\n")[0]


def network_of(result: str) -> str:
    return result.partition("--- network\n")[2]


def assert_installs_on(result: str, *names: str, ignored: str = "", group: str = "pbx") -> None:
    """The storage commands touch these disks alone, and the kickstart is valid with them in place."""
    include, listed = include_of(result), ",".join(names)
    assert f"clearpart --all --initlabel --disklabel=gpt --drives={listed}\n" in include, result
    assert re.findall(r"ignoredisk (\S+)", include) == ([f"--drives={ignored}"] if ignored else [])
    assert f"volgroup {group} pv.switchroom\n" in include
    touched = re.findall(r"(?:clearpart .*--drives|--ondisk|--boot-drive)=(\S+)", include)
    assert {one for disks in touched for one in disks.split(",")} == set(names)
    for el in (9, 10):
        check(include + network_of(result), el)


def assert_refused(result: str, *words: str) -> None:
    """The reason is on the console, and there is no storage command for the installer to run."""
    console = result.partition("--- log\n")[0]
    assert "SWITCHROOM CHOOSES NO DISK" in console, result
    assert include_of(result) == ""
    for word in words:
        assert word in console, f"'{word}' is not in: {console}"


def nvme(folder: Path, size_mib: int = 32768) -> Sequence[str]:
    return ["-drive", disk(folder, "fast", size_mib=size_mib), "-device", "nvme,drive=fast,serial=NVME0001"]


def sata(folder: Path, size_mib: int = 65536) -> Sequence[str]:
    return ["-drive", disk(folder, "plain", size_mib=size_mib), "-device", "ide-hd,drive=plain,bus=ide.0"]


def usb_stick(folder: Path) -> Sequence[str]:
    medium, content = folder / "medium.iso", folder / "content"
    content.mkdir()
    (content / "readme").write_text("a boot medium")
    run(["xorriso", "-as", "mkisofs", "-quiet", "-V", VOLUME_ID, "-o", medium, content])
    controller = ["-device", "qemu-xhci"]
    drive = ["-drive", disk(folder, "stick", content=medium, read_only=True)]
    return [*controller, *drive, "-device", "usb-storage,drive=stick,removable=on"]


def test_the_only_disk_is_an_nvme_one(tmp_path: Path) -> None:
    cases = {"default": "", "unknown": "switchroom.disk=sda", "version": "switchroom.asterisk=17"}
    card = ["-device", "virtio-net-pci"]
    results = boot(tmp_path, [*nvme(tmp_path), *card, *card], "nvme0n1", cases)
    assert_installs_on(results["default"], "nvme0n1")
    lines = [f"network --bootproto=dhcp --device=eth{n} --onboot=yes --activate" for n in (0, 1)]
    assert network_of(results["default"]).splitlines() == lines, "no line for lo"
    assert_refused(
        results["unknown"], "switchroom.disk=sda is none of this machine's disks", "nvme0n1: 32768 MiB"
    )
    assert "this medium holds no Asterisk '17'" in results["version"]
    assert include_of(results["version"]) == ""


def test_the_usb_boot_medium_is_never_taken(tmp_path: Path) -> None:
    cases = {
        "default": "",
        "named": "switchroom.disk=sdb",
        "by-id": "switchroom.disk=/dev/disk/by-id/lab-sda",
    }
    results = boot(tmp_path, [*sata(tmp_path), *usb_stick(tmp_path)], "sda,sdb", cases)
    assert_installs_on(results["default"], "sda")
    assert_refused(
        results["named"], "switchroom.disk=sdb is the boot medium", "sda: 65536 MiB, sata", "usable"
    )
    assert_installs_on(results["by-id"], "sda")


def test_of_two_disks_none_is_taken_until_one_is_named(tmp_path: Path) -> None:
    cases = {
        "default": "",
        "name": "switchroom.disk=sda",
        "serial": "switchroom.disk=NVME0001",
        "mirrored": "switchroom.layout=raid1",
        "mirrored-by-name": "switchroom.layout=raid1 switchroom.disk=sda,NVME0001",
    }
    drives = [*nvme(tmp_path), *sata(tmp_path)]
    results = boot(tmp_path, drives, "nvme0n1,sda", cases, groups="nvme0n1:pbx")
    assert_refused(
        results["default"],
        "several could take the system",
        "nvme0n1: 32768",
        "sda: 65536",
        "switchroom.disk=",
    )
    assert_installs_on(results["name"], "sda", ignored="nvme0n1", group="pbx2")
    assert_installs_on(results["serial"], "nvme0n1", ignored="sda")
    assert_installs_on(results["mirrored"], "sda", "nvme0n1")
    assert_installs_on(results["mirrored-by-name"], "sda", "nvme0n1")


def test_a_disk_that_is_too_small_is_refused_even_by_name(tmp_path: Path) -> None:
    cases = {"default": "", "named": "switchroom.disk=sda"}
    results = boot(tmp_path, sata(tmp_path, size_mib=8192), "sda", cases)
    assert_refused(
        results["default"], "none can take the system", "sda: 8192 MiB", "too small, 24576 MiB are needed"
    )
    assert_refused(results["named"], "too small")


def test_a_person_is_asked_where_the_script_cannot_decide(tmp_path: Path) -> None:
    drives = [*nvme(tmp_path), *sata(tmp_path)]
    groups = "nvme0n1:pbx,sda:pbx"
    results = boot(tmp_path, drives, "nvme0n1,sda", {"default": ""}, mode=Mode.INTERACTIVE, groups=groups)
    assert "volume groups of this machine share their name" in results["default"]
    assert re.search(r"^ *pbx +\S{38} +/dev/sda *$", results["default"], re.MULTILINE), results["default"]
    assert "Choose the disk in the installer." in results["default"]
    assert include_of(results["default"]).startswith("# No disk chosen")
    assert "ignoredisk --drives=" in include_of(results["default"])
