"""AMI: which account of manager.conf is used, and how far a connection gets."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import Any, Tuple

import pytest

from support.peers import Manager, tcp_peer
from switchroom.box import ami
from switchroom.box.health import manager
from switchroom.box.health.report import Verdict, timed
from switchroom.box.paths import Paths

USER = "[admin]\nsecret = s3cret\ndeny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.1/255.255.255.0\n"


def write(root: Path, port: int, users: str = USER) -> Paths:
    folder = root / "etc/asterisk"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manager.conf").write_text(
        f"[general]\nenabled = yes\nbindaddr = 127.0.0.1\nport = {port}\n#include manager_custom.conf\n"
    )
    (folder / "manager_custom.conf").write_text(users)
    return Paths(root)


def test_an_account_from_an_included_file_logs_in_and_pings(tmp_path: Path) -> None:
    server = Manager("admin", "s3cret")
    with tcp_peer(server.talk) as (_, port):
        verdict = manager.check(write(tmp_path, port))
        assert manager.level(Paths(tmp_path)) == manager.LOGIN
    assert verdict.ok
    assert "admin" in verdict.evidence
    assert "Action: Ping" in server.heard
    assert "s3cret" not in server.heard


def test_no_secret_goes_out_in_plain_text_however_it_is_asked_for(tmp_path: Path) -> None:
    server = Manager("admin", "s3cret", md5=False)
    with tcp_peer(server.talk) as (_, port):
        verdict = manager.check(write(tmp_path, port))
    assert not verdict.ok
    assert "s3cret" not in server.heard


class Far:
    """A connection as to another machine."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def getpeername(self) -> Tuple[str, int]:
        return ("203.0.113.9", 5038)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_no_other_machine_is_told_a_name_or_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, connect = Manager("admin", "s3cret"), socket.create_connection
    with tcp_peer(server.talk) as (_, port):
        paths = write(tmp_path, port)
        monkeypatch.setattr(socket, "create_connection", lambda *a, **k: Far(connect(*a, **k)))
        check = timed("ami", lambda: manager.check(paths))
    assert not check.ok
    assert "203.0.113.9" in check.evidence
    assert server.heard == ""


def test_any_address_of_this_box_is_this_box(tmp_path: Path) -> None:
    with tcp_peer(Manager("admin", "s3cret").talk) as (_, port):
        paths = write(tmp_path, port)
        for host in ("127.0.0.1", "localhost"):
            with ami.connected(ami.Interface("", host, port, ()), 3.0) as client:
                assert client.greeting()
    assert ami.configured(paths).host == "127.0.0.1"


def test_a_refused_login_is_a_failure_unless_it_was_refused_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with tcp_peer(Manager("admin", "another").talk) as (_, port):
        paths = write(tmp_path, port)
        verdict = manager.check(paths)
        assert not verdict.ok
        assert manager.check(paths, manager.GREETING).ok
    assert "refused the login of 'admin'" in verdict.evidence
    assert "s3cret" not in verdict.evidence + caplog.text + repr(ami.configured(paths))


def test_the_next_account_is_tried_when_the_first_is_out_of_date(tmp_path: Path) -> None:
    with tcp_peer(Manager("second", "right").talk) as (_, port):
        paths = write(tmp_path, port, "[first]\nsecret = old\n[second]\nsecret = right\n")
        verdict = manager.check(paths)
    assert verdict.ok
    assert "second" in verdict.evidence


def test_without_an_account_for_this_box_the_greeting_is_enough(tmp_path: Path) -> None:
    with tcp_peer(Manager("x", "x").talk) as (_, port):
        users = "[far]\nsecret = s\ndeny = 0.0.0.0/0\npermit = 192.0.2.0/24\n[nothing]\nread = all\n"
        verdict = manager.check(write(tmp_path, port, users))
    assert verdict.ok
    assert "Asterisk Call Manager/9.0.0" in verdict.evidence
    assert "no user" in verdict.evidence


def test_ami_that_is_off_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "etc/asterisk").mkdir(parents=True)
    off = Verdict(False, "off by configuration (manager.conf)", required=False)
    assert manager.check(Paths(tmp_path)) == off
    (tmp_path / "etc/asterisk/manager.conf").write_text("[general]\nenabled = no\n")
    assert manager.check(Paths(tmp_path)) == off


def test_a_file_that_asterisk_refuses_is_ami_that_is_off(tmp_path: Path) -> None:
    paths = write(tmp_path, 5038)
    file = tmp_path / "etc/asterisk/manager.conf"
    file.write_text('[general]\nenabled = yes\n#include "manager.d/*.conf"\n')
    verdict = manager.check(paths)
    assert not verdict.required
    assert "manager.conf, line 3" in verdict.evidence
    assert manager.level(paths) == manager.OFF


def test_nobody_listening_and_nobody_talking_are_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    paths = write(tmp_path, port)
    assert "refused" in timed("ami", lambda: manager.check(paths)).evidence.lower()

    def say_nothing(connection: socket.socket) -> None:
        while connection.recv(4096):
            pass

    monkeypatch.setattr(manager, "_TIMEOUT", 0.2)
    with tcp_peer(say_nothing) as (_, port):
        paths = write(tmp_path, port)
        check = timed("ami", lambda: manager.check(paths))
    assert (check.ok, check.evidence) == (False, "AMI accepted the connection but did not answer in time.")


@pytest.mark.parametrize(
    ("rules", "admitted"),
    [
        ("", True),
        ("deny = 0.0.0.0/0.0.0.0", False),
        ("deny = 0.0.0.0/0\npermit = 127.0.0.1", True),
        ("permit = 127.0.0.1\ndeny = 0.0.0.0/0", False),
        ("deny = 0.0.0.0/0\npermit = 10.0.0.0/8,127.0.0.0/255.0.0.0", True),
        ("permit = !127.0.0.1", False),
        ("deny = 0.0.0.0/0\npermit = not-an-address", False),
    ],
)
def test_the_last_rule_that_matches_decides(rules: str, admitted: bool, tmp_path: Path) -> None:
    accounts = ami.configured(write(tmp_path, 5038, f"[user]\nsecret = s\n{rules}\n")).accounts
    assert [account.name for account in accounts] == (["user"] if admitted else [])


def test_rules_of_a_template_come_first(tmp_path: Path) -> None:
    users = "[strict](!)\ndeny = 0.0.0.0/0\n[user](strict)\nsecret = s\npermit = 127.0.0.1\n"
    assert [one.name for one in ami.configured(write(tmp_path, 5038, users)).accounts] == ["user"]
