"""The web server, phones' files and backups on one box, seen from the host and over ssh."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import ssl
from pathlib import Path
from typing import Any, Optional

import pytest

from support import tftp
from support.molecule import box_of

ROOM = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
PHONE = f"phone:{(ROOM / 'phone').read_text().strip()}"
CONTENT = "sip.password=1234\n"


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ROOM / "ca/root.pem"))


def ask(
    host: Any,
    path: str,
    method: str = "GET",
    user: Optional[str] = None,
    secure: bool = True,
) -> http.client.HTTPResponse:
    """Ask the box as pbx.example.test; over HTTPS its chain and name are checked."""
    line = socket.create_connection((box_of(host).address, 443 if secure else 80), timeout=10)
    connection = http.client.HTTPConnection("pbx.example.test")
    connection.sock = trusting().wrap_socket(line, server_hostname="pbx.example.test") if secure else line
    headers = {"Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"} if user else {}
    connection.request(method, path, body=b"x" if method == "PUT" else None, headers=headers)
    return connection.getresponse()


@pytest.fixture(scope="module", autouse=True)
def files(host: Any) -> None:
    """What a site puts on the box."""
    host.check_output(
        "umask 022; mkdir -p /var/www/html/admin /var/www/html/open /var/www/html/bare;"
        " echo shown >/var/www/html/admin/index.html; echo shown >/var/www/html/open/index.html;"
        " seq 1000 >/var/lib/tftpboot/firmware.bin; echo closed >/var/lib/tftpboot/closed;"
        " chmod 600 /var/lib/tftpboot/closed; chmod 666 /var/lib/tftpboot/firmware.bin"
    )
    host.check_output("umask 027; printf %%s %s >/var/www/provisioning/0004f2abcdef.cfg", CONTENT)


@pytest.mark.parametrize("name", ["pbx.example.test", "web.example.test"])
def test_https_answers_for_each_name_with_the_chain_given(name: str, host: Any) -> None:
    line = socket.create_connection((box_of(host).address, 443), timeout=10)
    with trusting().wrap_socket(line, server_hostname=name) as tls:
        assert tls.version() == "TLSv1.3"


@pytest.mark.parametrize(("version", "taken"), [("1.1", False), ("1.2", True)])
def test_old_tls_is_not_spoken(version: str, taken: bool, host: Any) -> None:
    option = f"-tls{version.replace('.', '_')}"
    words = f"openssl s_client -connect 127.0.0.1:443 {option} -cipher ALL:@SECLEVEL=0 </dev/null"
    assert (host.run(words).rc == 0) == taken


def test_plain_http_only_leads_to_https(host: Any) -> None:
    answer = ask(host, "/provisioning/a%20b?c=d", secure=False)
    assert answer.status == 308
    assert answer.headers["Location"] == "https://pbx.example.test/provisioning/a%20b?c=d"


def test_the_server_says_little_and_browsers_are_told_to_be_careful(host: Any) -> None:
    answer = ask(host, "/open/")
    assert (answer.status, answer.read()) == (200, b"shown\n")
    assert answer.headers["Server"] == "Apache"
    assert answer.headers["Strict-Transport-Security"] == "max-age=15768000"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert b"Rocky" not in ask(host, "/").read()


@pytest.mark.parametrize("path", ["/admin/", "//admin/index.html", "/%61dmin/", "/open/../admin/", "/bare/"])
def test_restricted_paths_and_listings_are_not_shown(path: str, host: Any) -> None:
    assert ask(host, path).status == 403


def test_secrets_are_for_those_who_need_them(host: Any) -> None:
    places = {
        "/etc/pki/tls/private/switchroom-given.pem": ("root", "root", 0o600),
        "/etc/pki/tls/private/switchroom-self-signed.pem": ("root", "root", 0o600),
        "/etc/httpd/switchroom/provisioning.passwords": ("root", "apache", 0o640),
        "/var/www/provisioning": ("root", "apache", 0o2750),
        "/var/www/provisioning/0004f2abcdef.cfg": ("root", "apache", 0o640),
        "/var/backups/pbx": ("root", "root", 0o700),
    }
    found = {path: host.file(path) for path in places}
    assert {path: (file.user, file.group, file.mode) for path, file in found.items()} == places


def test_a_phone_gets_its_file_over_https_and_nobody_else_does(host: Any) -> None:
    path = "/provisioning/0004f2abcdef.cfg"
    assert ask(host, path, user=PHONE).read().decode() == CONTENT
    assert [ask(host, path, user=user).status for user in (None, "phone:wrong")] == [401, 401]
    assert ask(host, path, "PUT", PHONE).status == 403
    assert ask(host, "/provisioning/", user=PHONE).status == 404


def test_a_phone_gets_a_file_by_tftp(host: Any) -> None:
    wanted = "".join(f"{number}\n" for number in range(1, 1001))
    assert tftp.read(box_of(host).address, "firmware.bin").decode() == wanted


@pytest.mark.parametrize("name", ["closed", "../../etc/passwd", "/etc/passwd", "missing"])
def test_tftp_shows_no_other_file(name: str, host: Any) -> None:
    with pytest.raises(tftp.RefusedError):
        tftp.read(box_of(host).address, name)


@pytest.mark.parametrize("name", ["firmware.bin", "new.bin"])
def test_tftp_takes_nothing(name: str, host: Any) -> None:
    with pytest.raises(tftp.RefusedError):
        tftp.write(box_of(host).address, name, b"x")
    assert (
        host.check_output("sha256sum </var/lib/tftpboot/firmware.bin; seq 1000 | sha256sum").count("\n") == 1
    )
    assert not host.file("/var/lib/tftpboot/new.bin").exists


def test_services_run_now_and_after_a_boot(host: Any) -> None:
    for name in ("httpd.service", "tftp.socket", "switchroom-backup.timer"):
        assert host.service(name).is_running
        assert host.service(name).is_enabled


def test_the_backup_waits_for_its_time_and_for_the_tool(host: Any) -> None:
    timers = host.check_output("systemctl list-timers --no-legend switchroom-*")
    assert "switchroom-backup.timer" in timers
    assert "switchroom-certificate" not in timers
    asked = host.check_output(
        "systemctl show -p OnCalendar -p TimersCalendar -p RandomizedDelayUSec switchroom-backup.timer"
    )
    assert "03:15:00" in asked
    assert "RandomizedDelayUSec=5min" in asked
    service = host.check_output("systemctl show -p Result -p ActiveState switchroom-backup.service")
    assert service.splitlines() == ["Result=exec-condition", "ActiveState=inactive"]
    assert host.file("/var/backups/pbx").listdir() == []
