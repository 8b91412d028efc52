"""The whole site on one box, seen over ssh and from a telephone."""

from __future__ import annotations

import json
from typing import Any

from support import pbx
from support.calls import call
from support.molecule import box_of


def test_packages_come_from_the_signed_repository(host: Any) -> None:
    for name in ("switchroom-release", "switchroom", "asterisk22", "asterisk-sounds-core-en-gsm"):
        assert host.package(name).is_installed
    enabled = host.check_output("dnf -q repolist --enabled")
    assert "switchroom-stable" in enabled
    assert "switchroom-testing" not in enabled
    assert "file:///srv/repo/stable/el9/" in host.file("/etc/yum.repos.d/switchroom.repo").content_string
    assert not host.file("/etc/yum.repos.d/switchroom-bootstrap.repo").exists
    assert host.check_output("rpm -qa 'gpg-pubkey*'")


def test_files_have_their_permissions(host: Any) -> None:
    for path in ("/etc/pki/rpm-gpg/RPM-GPG-KEY-switchroom", "/etc/switchroom/box.yml"):
        file = host.file(path)
        assert (file.user, file.group, file.mode) == ("root", "root", 0o644)


def test_services_run_now_and_after_a_boot(host: Any) -> None:
    assert host.service("asterisk").is_running
    for name in ("asterisk", "switchroom-recover", "switchroom-resume"):
        assert host.service(name).is_enabled
    assert host.socket("udp://0.0.0.0:5060").is_listening


def test_the_tool_calls_the_box_healthy_and_settled(host: Any) -> None:
    assert json.loads(host.check_output("switchroom health --json"))["healthy"]
    status = json.loads(host.check_output("switchroom status --json"))
    assert status["running"] == status["active"]
    assert status["transaction"] is None


def test_a_call_is_answered_with_sound(host: Any) -> None:
    box = box_of(host)
    pbx.apply(box.root)
    host.check_output("systemctl restart asterisk")
    tally = call(box.address, seconds=2)
    assert (len(tally.ended), tally.failed) == (1, ())
    assert tally.sound[0].packets > 20
