"""Anaconda's part of an installation: the %post scripts of a kickstart, run on a root as it runs them."""

from __future__ import annotations

from pathlib import Path

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
