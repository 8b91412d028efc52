"""Anaconda's part of an installation: %post scripts run on a root as it runs them, and its view of disks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Set, Tuple

from pykickstart.constants import KS_SCRIPT_POST

from support.kickstarts import handler

# $LAB holds medium, scripts and boot line; $ANA_INSTALL_PATH is the new system, its /proc mounted.
# To be run in a mount namespace of its own: nothing of it is seen, or left, outside.
POST = r"""
mount -t tmpfs tmpfs /run
mkdir -p /run/install/repo /run/sysroot
mount --rbind "$ANA_INSTALL_PATH" /run/sysroot  # it may lie below /tmp
export ANA_INSTALL_PATH=/run/sysroot
mount --bind "$LAB/medium" /run/install/repo
cp -r "$LAB/scripts" "$LAB/cmdline" /run
mount -t tmpfs tmpfs /tmp
echo log >/tmp/switchroom-version.log
mount --bind /run/cmdline /proc/cmdline
mount --bind /run/cmdline "$ANA_INSTALL_PATH/proc/cmdline"
export PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
for script in /run/scripts/*; do
  case $script in
    *chroot)
      cp "$script" "$ANA_INSTALL_PATH/root/script"
      setsid --wait chroot "$ANA_INSTALL_PATH" bash /root/script ;;
    *) setsid --wait bash "$script" ;;
  esac || exit 1
done
rm "$ANA_INSTALL_PATH/root/script"
"""


def write_scripts(kickstart: str, folder: Path) -> int:
    """Write a kickstart's %post scripts into the new folder ``scripts`` and return how many there are."""
    (folder / "scripts").mkdir()
    found = [script for script in handler(kickstart).scripts if script.type == KS_SCRIPT_POST]
    for number, script in enumerate(found):
        place = "chroot" if script.inChroot else "outside"
        (folder / "scripts" / f"{number}-{place}").write_text(script.script)
    return len(found)


def write_tool(root: Path, name: str, body: str) -> Path:
    """Give the root a program, for what EL has and Debian has not."""
    path = root / "usr/local/bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


# MiB of /boot by "reqpart --add-boot": pyanaconda/modules/storage/platform.py, 34.25.7.19 and 40.22.3.57.
REQPART_BOOT = {9: 1024, 10: 2048}
# Devices that are not there for Anaconda: ignored_device_names, pyanaconda/modules/storage/initialization.py.
_UNKNOWN = re.compile(r"mtd|mmcblk.+boot|mmcblk.+rpmb|zram|ndblk|pmem[0-9]+$|ram|fd")


@dataclass(frozen=True)
class Storage:
    """What Anaconda makes of a machine's disks under storage commands. A model: its code cannot run here.

    ``mediums`` are disks that the installer runs from. ``groups`` are volume groups (name, and the disks they
    lie on), ``arrays`` RAID arrays. Sources, as upstream has them (EL9 ships anaconda 34.25.7.19, EL10
    40.22.3.57): pyanaconda/modules/storage/kickstart.py (get_device_names), pyanaconda/ui/lib/storage.py
    (select_default_disks), pyanaconda/modules/storage/devicetree/model.py (usable_disks,
    _mark_protected_devices), pyanaconda/modules/storage/partitioning: custom/custom_partitioning.py
    (_execute_volgroup_data) and automatic/utils.py (get_candidate_disks), blivet/devicetree.py (hide keeps a
    name, _remove_device frees one unless the group is incomplete), blivet/populator/helpers/lvm.py
    (DuplicateVGError).
    """

    disks: Sequence[str]
    mediums: Sequence[str] = ()
    groups: Sequence[Tuple[str, Sequence[str]]] = ()
    arrays: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def seen(self, commands: str) -> Set[str]:
        """Return the disks that are not hidden; a medium must be one, or it is no source of packages."""
        asked = handler(commands).ignoredisk
        hidden = {one for one in self.disks if asked.onlyuse and one not in asked.onlyuse}
        return set(self.disks) - hidden - set(asked.ignoredisk)

    def preselected(self, commands: str) -> Set[str]:
        """Return the disks that an installation with a kickstart uses unless a person says otherwise."""
        asked = handler(commands).ignoredisk
        return set(asked.onlyuse or self.seen(commands)) - set(self.mediums)

    def faults(self, commands: str) -> List[str]:
        """Return what ends the installation."""
        told = handler(commands)
        named = [*told.ignoredisk.ignoredisk, *told.ignoredisk.onlyuse, *told.clearpart.drives]
        found = [
            f"disk {one} does not exist" for one in named if one not in self.disks or _UNKNOWN.match(one)
        ]
        names = [name for name, _ in self.groups]
        found += [f"multiple groups {name}" for name in set(names) if names.count(name) > 1]
        taken = self._kept(told)
        wanted = [one.vgname for one in told.volgroup.vgList] + [one.device for one in told.raid.raidList]
        return found + [f"{name} is already in use" for name in wanted if name in taken]

    def _kept(self, told: Any) -> Set[str]:
        """Return the names on disks that are not cleared, in part or whole."""
        held = [*self.groups, *self.arrays.items()]
        return {name for name, disks in held if not set(disks) <= set(told.clearpart.drives)}

    def written(self, commands: str) -> Set[str]:
        """Return the disks that get partitions; "reqpart" takes any that is seen and not protected."""
        told = handler(commands)
        disks = {one.disk for one in told.partition.partitions}
        return disks | ((self.seen(commands) - set(self.mediums)) if told.reqpart.reqpart else set())


def boot_sizes(commands: str, el: int, *, uefi: bool) -> Dict[str, int]:
    """Return the MiB of each disk that lie outside the volume group."""
    told = handler(commands, el)
    found: Dict[str, int] = {}
    for part in told.partition.partitions:
        found[part.disk] = found.get(part.disk, 0) + (0 if part.grow else part.size)
    if told.reqpart.reqpart:
        found = {disk: size + REQPART_BOOT[el] + (600 if uefi else 1) for disk, size in found.items()}
    return found
