"""Carries out what the kickstart says of the new system beyond its packages, as Anaconda would."""

from __future__ import annotations

import re
from pathlib import Path

from switchroom.build.image.description import Description
from switchroom.build.image.inside import inside

_SELINUX = "etc/selinux/config"
_CONTEXTS = "etc/selinux/targeted/contexts/files/file_contexts"


def apply(root: Path, wanted: Description) -> None:
    """Set locale, time zone, host name, services, firewall and root's credentials."""
    (root / "etc/locale.conf").write_text(f"LANG={wanted.lang}\n")
    (root / "etc/vconsole.conf").write_text(f"KEYMAP={wanted.keyboard}\n")
    (root / "etc/hostname").write_text(f"{wanted.hostname}\n")
    (root / "etc/localtime").unlink(missing_ok=True)
    (root / "etc/localtime").symlink_to(f"../usr/share/zoneinfo/{wanted.timezone}")
    inside(root, "systemctl", "set-default", "multi-user.target")
    inside(root, "systemctl", "enable", *(f"{name}.service" for name in wanted.services))
    services = [f"--service={name}" for name in wanted.firewall_services]
    inside(root, "firewall-offline-cmd", "--enabled", *services, what="Setting the firewall")
    _set_selinux(root, wanted)
    _set_credentials(root, wanted)


def label(root: Path) -> None:
    """Give every file its SELinux label where the system has a policy; this machine need not have SELinux."""
    if (root / _CONTEXTS).is_file():
        inside(root, "setfiles", "-F", f"/{_CONTEXTS}", "/", what="Setting SELinux labels")


def _set_selinux(root: Path, wanted: Description) -> None:
    config = root / _SELINUX
    if config.is_file():
        state = "enforcing" if wanted.enforcing else "permissive"
        config.write_text(re.sub(r"(?m)^SELINUX=.*$", f"SELINUX={state}", config.read_text()))


def _set_credentials(root: Path, wanted: Description) -> None:
    if wanted.password_hash:
        secret = f"root:{wanted.password_hash}\n".encode()
        inside(root, "chpasswd", "--encrypted", stdin=secret, what="Setting root's password")
    else:
        inside(root, "usermod", "--lock", "root", what="Locking root's password")
    if wanted.ssh_keys:
        folder = root / "root/.ssh"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "authorized_keys").touch(mode=0o600)
        (folder / "authorized_keys").write_text("".join(f"{key}\n" for key in wanted.ssh_keys))
