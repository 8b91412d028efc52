"""A box that can be left alone: clock, firewall, bans, journal, updates and mail, tried from outside."""

from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from lab import network
from support import advisories, pbx
from support.attacker import ADDRESS, Attacker
from support.calls import Calls
from support.molecule import box_of
from support.relay import Relay
from switchroom.box import sip

FOLDER = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "relay"
OPEN, CLOSED = 7001, 7002  # something listens at both; the firewall opens the first, and to the host alone
_LISTEN = (
    "import socket, time; a, b = (socket.create_server(('', port)) for port in ({}, {})); time.sleep(600)"
)


@pytest.fixture(scope="module")
def box(host: Any) -> Any:
    """The box, with an Asterisk that takes the tests' calls."""
    found = box_of(host)
    pbx.apply(found.root)
    host.check_output("systemctl restart asterisk")
    return found


@pytest.fixture(scope="module")
def listeners(host: Any) -> Iterator[None]:
    listen = _LISTEN.format(OPEN, CLOSED)
    host.check_output(f'systemd-run --quiet --unit listeners /usr/bin/python3 -c "{listen}"')
    wait(lambda: host.socket(f"tcp://0.0.0.0:{CLOSED}").is_listening)
    yield
    host.check_output("systemctl stop listeners")


def wait(true: Any, seconds: float = 30.0) -> None:
    """Wait until ``true()``; the machine may have other things to do."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def banned(host: Any) -> str:
    return str(host.check_output("fail2ban-client get asterisk banip"))


def test_the_clock_has_its_servers(host: Any) -> None:
    assert host.service("chronyd").is_running
    assert host.service("chronyd").is_enabled
    assert network.HOST in host.check_output("chronyc -n sources")
    assert host.check_output("date +%Z") in ("CET", "CEST")
    assert host.check_output("hostname") == "molecule-base.lab.test"


def test_the_firewall_has_the_rules_now_and_after_a_boot(host: Any) -> None:
    assert host.service("firewalld").is_enabled
    assert host.check_output("firewall-cmd --get-default-zone") == "switchroom"
    services = "dhcpv6-client switchroom-rtp switchroom-sip switchroom-ssh"
    for when in ("", "--permanent"):
        assert host.check_output(f"firewall-cmd {when} --zone=switchroom --list-services") == services
    rules = host.check_output("nft list table inet firewalld")
    for port in ("tcp dport 22", "udp dport 5060", "udp dport 10000-20000", "tcp dport 5061"):
        assert re.search(rf"{port}( ct state new,untracked)? accept", rules), port
    assert f"ip saddr {network.HOST} tcp dport {OPEN}" in rules
    assert f"ip6 saddr 2001:db8::/32 tcp dport {OPEN}" in rules


def test_sip_passes_and_a_closed_port_does_not(host: Any, box: Any, listeners: None) -> None:
    assert sip.options(box.address, 5060, timeout=5) is not None
    with Attacker() as other:
        assert not other.can_connect(box.address, CLOSED)
        assert not other.can_connect(box.address, OPEN)
        assert other.can_connect(box.address, 22)
    socket.create_connection((box.address, OPEN), 5).close()


def test_a_reload_of_the_firewall_leaves_a_call_its_sound(host: Any, box: Any) -> None:
    with Calls(box.address, 1) as calls:
        calls.listen(25)
        host.check_output("firewall-cmd --reload")
        assert calls.listen(100) >= 100
        calls.hang_up()
        tally = calls.wait()
    assert (len(tally.ended), tally.cut, tally.failed) == (1, (), ())


def test_a_program_that_only_calls_itself_sshd_bans_nobody(host: Any) -> None:
    lie = "-t sshd -p authpriv.info 'Failed password for root from 203.0.113.7 port {} ssh2'"
    host.check_output("cp /usr/bin/logger /tmp/sshd")
    for port in range(41001, 41013):
        host.check_output(f"runuser -u nobody -- /tmp/sshd {lie.format(port)}")
    assert "sshd.service" in host.check_output("fail2ban-client get sshd journalmatch")
    time.sleep(3)
    assert "203.0.113.7" not in host.check_output("fail2ban-client get sshd banip")


def test_who_guesses_passwords_is_banned_even_at_the_same_port(host: Any, box: Any) -> None:
    with Attacker() as attacker:
        assert attacker.guess(box.address)
        assert ADDRESS not in banned(host)
        wait(lambda: not attacker.guess(box.address), 60)
        assert ADDRESS in banned(host)
        host.check_output("firewall-cmd --reload && systemctl reload fail2ban")
        assert not attacker.guess(box.address)
        assert sip.options(box.address, 5060, timeout=5) is not None
        host.check_output(f"fail2ban-client set asterisk unbanip {ADDRESS}")
        assert attacker.guess(box.address)
    assert host.service("switchroom-jail").is_enabled


def test_both_jails_watch(host: Any) -> None:
    assert host.service("fail2ban").is_enabled
    assert "asterisk, sshd" in host.check_output("fail2ban-client status")
    assert "127.0.0.0/8" in host.check_output("fail2ban-client get asterisk ignoreip")


def test_the_journal_has_its_limit(host: Any) -> None:
    said = host.check_output("journalctl --quiet --unit systemd-journald --grep 'System Journal' | tail -1")
    assert "max 48.0M" in said
    assert host.file("/var/log/journal").is_directory


def test_updates_leave_the_running_engine_alone(host: Any) -> None:
    def seen() -> Any:
        files = "find /usr/lib64/switchroom /usr/sbin/asterisk -printf '%p %i %T@ %l\\n' | sort"
        return [
            host.check_output(line) for line in ("pidof asterisk", "readlink /etc/switchroom/engine", files)
        ]

    host.check_output("dnf config-manager --set-enabled switchroom-testing")
    before, version = seen(), host.package("asterisk22").version
    offered = host.check_output("dnf --quiet --assumeyes updateinfo list --security --updates")
    assert f"asterisk22-{os.environ['LAB_BROKEN']}" in offered  # it would be taken, were it not for the role
    host.check_output("systemctl start dnf-automatic.service")
    assert host.package(advisories.FIX).version == "1.1"
    assert host.package(advisories.FEATURE).version == "1.0"
    assert host.package("asterisk22").version == version
    assert seen() == before
    wanted = "TimersCalendar,RandomizedDelayUSec,Persistent"
    timer = host.check_output(f"systemctl show dnf-automatic.timer --property {wanted}")
    assert "02:30:00" in timer
    assert "RandomizedDelayUSec=1h" in timer
    assert "Persistent=no" in timer


def test_no_update_while_asterisk_is_switched(host: Any) -> None:
    lock = "/run/switchroom/worker.lock"
    hold = f"exec 9>>{lock}; flock 9; echo $$ >{lock}; sleep 60; :"
    host.check_output(f"systemd-run --unit=lab-worker sh -c '{hold.replace('$', '$$')}'")
    try:
        host.check_output(f"until [ -s {lock} ]; do sleep 0.1; done; systemctl start dnf-automatic.service")
        assert host.check_output("systemctl show -P Result dnf-automatic.service") == "exec-condition"
        assert "under way" in host.check_output("journalctl --unit dnf-automatic.service --lines 20")
    finally:
        host.check_output(f"systemctl stop lab-worker; : >{lock}")


def test_what_only_looks_like_a_switch_holds_no_update_back(host: Any) -> None:
    host.check_output("mkdir -p /var/lib/switchroom/transaction")
    try:
        host.check_output("systemctl start dnf-automatic.service")
        assert host.check_output("systemctl show -P Result dnf-automatic.service") == "success"
    finally:
        host.check_output("rmdir /var/lib/switchroom/transaction")


def test_mail_to_root_reaches_the_relay_encrypted(host: Any) -> None:
    with Relay((network.HOST, 5870), FOLDER, "correct horse") as relay:
        send = "runuser -u asterisk -- /usr/sbin/sendmail root"
        host.check_output(f"printf 'Subject: Voicemail\\n\\nHello\\n' | {send}")
        host.check_output("postqueue -f")
        mail = relay.wait(60)
    assert mail.user == "pbx"
    assert mail.tls in ("TLSv1.2", "TLSv1.3")
    assert mail.sender.startswith("FROM:<pbx@lab.test>")
    assert [recipient.split()[0] for recipient in mail.recipients] == ["TO:<operator@lab.test>"]
    assert "Subject: Voicemail" in mail.text
    assert re.search(r"^From: .*<?pbx@lab.test>?", mail.text, re.MULTILINE)


def test_secrets_are_roots_alone(host: Any) -> None:
    secret = host.file("/etc/postfix/switchroom-password")
    assert (secret.user, secret.group, secret.mode) == ("root", "root", 0o600)
    assert not host.run("grep -rlF 'correct horse' /etc --exclude=switchroom-password").stdout
