"""The whole site on one box, seen over ssh and from a telephone."""

from __future__ import annotations

import json
from typing import Any

from support import pbx
from support.calls import call
from support.molecule import box_of

# Path: owner, group and mode, of all that is secret or that others must not write to.
PERMISSIONS = {
    "/etc/pki/rpm-gpg/RPM-GPG-KEY-switchroom": ("root", "root", 0o644),
    "/etc/switchroom/box.yml": ("root", "root", 0o644),
    "/etc/pki/tls/private/switchroom-self-signed.pem": ("root", "root", 0o600),
    "/var/backups/switchroom": ("root", "root", 0o700),
}
SERVICES = (
    "asterisk",
    "chronyd",
    "firewalld",
    "fail2ban",
    "dnf-automatic.timer",
    "httpd",
    "tftp.socket",
    "switchroom-backup.timer",
)


def test_packages_come_from_the_signed_repositories(host: Any) -> None:
    for name in ("switchroom-release", "switchroom", "asterisk22", "firewalld", "fail2ban-server", "httpd"):
        assert host.package(name).is_installed
    enabled = host.check_output("dnf -q repolist --enabled").split()
    assert {"switchroom-stable", "epel", "crb"} <= set(enabled)
    assert "switchroom-testing" not in enabled
    assert "file:///srv/repo/stable/el9/" in host.file("/etc/yum.repos.d/switchroom.repo").content_string
    assert not host.file("/etc/yum.repos.d/switchroom-bootstrap.repo").exists
    assert host.check_output("rpm -qa 'gpg-pubkey*'")


def test_files_have_their_permissions(host: Any) -> None:
    for path, expected in PERMISSIONS.items():
        file = host.file(path)
        assert (file.user, file.group, file.mode) == expected, path


def test_services_run_now_and_after_a_boot(host: Any) -> None:
    for name in SERVICES:
        assert host.service(name).is_running
        assert host.service(name).is_enabled
    for name in ("switchroom-recover", "switchroom-resume"):
        assert host.service(name).is_enabled
    for socket in ("udp://0.0.0.0:5060", "tcp://443"):
        assert host.socket(socket).is_listening


def test_the_tool_calls_the_box_healthy_and_settled(host: Any) -> None:
    assert json.loads(host.check_output("switchroom health --json"))["healthy"]
    status = json.loads(host.check_output("switchroom status --json"))
    assert status["running"] == status["active"]
    assert status["transaction"] is None


def test_a_call_is_answered_with_sound(host: Any) -> None:
    box = box_of(host)
    pbx.apply(box.root)
    host.check_output("systemctl restart asterisk")
    tally = call(box.address)
    assert (len(tally.ended), tally.failed) == (1, ())
    assert tally.sound[0].packets > 20
