"""The lab's stand-ins for Enterprise Linux's packages: dnf installs them, and what is in them really runs."""

from __future__ import annotations

from typing import Iterator, List

import pytest

from lab.boxes import Box, new_box

pytestmark = pytest.mark.lab("systemd-nspawn", "rpmbuild", "rpmsign", "createrepo_c", "patchelf", "apt-get")

PACKAGES = (
    "chrony",
    "cronie",
    "firewalld",
    "httpd",
    "mod_ssl",
    "postfix",
    "s-nail",
    "tftp-server",
    "fail2ban",
)
SERVICES = ("chronyd", "crond", "firewalld", "httpd", "postfix", "tftp.socket", "fail2ban")
RULE = "rule family=ipv4 source address=192.0.2.7 drop"
STREAMS = (("php", "8.2"), ("php", "8.4"), ("nodejs", "18"), ("nodejs", "20"), ("mariadb", "10.11"))
PHP = ("php-cli", "php-fpm", "php-mysqlnd", "php-xml", "php-intl", "php-gd")
GERMAN = 'echo PHP_VERSION, (new IntlDateFormatter("de"))->getLocale();'
ASK = 'echo (new PDO("mysql:host=localhost", "root", ""))->query("select version()")->fetchColumn();'
FETCH = ("curl", "--silent", "--insecure", "--retry", "5", "--retry-connrefused")


@pytest.fixture(scope="module")
def el9() -> Iterator[Box]:
    with new_box("rpms-el9", dress="el9") as box:
        yield box


def install(box: Box, *packages: str) -> None:
    box.run("dnf", "--assumeyes", "install", *packages, timeout=600)


def php(box: Box, code: str) -> str:
    return box.output("php", "-r", code)


def changed(box: Box) -> List[str]:
    """Return what differs from the packages, their configuration apart."""
    lines = box.run("rpm", "--verify", "--all", check=False).stdout.decode().splitlines()
    return [line for line in lines if " c /" not in line]


def test_the_services_of_el9_run_and_do_their_work(el9: Box) -> None:
    install(el9, "epel-release")
    install(el9, *PACKAGES)
    el9.run("systemctl", "start", *SERVICES)
    assert el9.output("systemctl", "--failed", "--no-legend") == ""
    assert "Test Page" in el9.output(*FETCH, "https://localhost/")
    el9.run("firewall-cmd", "--add-port=5060/udp")
    el9.run("firewall-cmd", f"--add-rich-rule={RULE}")
    rules = el9.output("nft", "list", "ruleset")
    assert "udp dport 5060 accept" in rules
    assert "192.0.2.7" in rules
    assert el9.output("fail2ban-client", "ping").endswith("pong")
    el9.run("sendmail", "root", stdin=b"Subject: lab\n\nhello\n")
    el9.run("sh", "-c", "for i in $(seq 100); do [ -s /var/mail/root ] && exit; sleep 0.1; done; exit 1")
    assert "Subject: lab" in el9.output("cat", "/var/mail/root")
    assert changed(el9) == []


def test_el9_has_php_node_and_mariadb_as_streams_that_can_be_switched(el9: Box) -> None:
    listing = [line.split()[:2] for line in el9.output("dnf", "--quiet", "module", "list").splitlines()]
    assert all([name, stream] in listing for name, stream in STREAMS)
    el9.run("dnf", "--assumeyes", "module", "enable", "php:8.2", "nodejs:18", "mariadb:10.11")
    install(el9, "httpd", *PHP, "nodejs", "mariadb-server")
    assert php(el9, GERMAN).startswith("8.2.")
    assert el9.output("node", "--version").startswith("v18.")
    el9.run("systemctl", "start", "mariadb", "php-fpm")
    assert php(el9, ASK).startswith("10.11.")
    (el9.root / "var/www/html/version.php").write_text("<?php echo PHP_SAPI, PHP_VERSION;")
    el9.run("systemctl", "restart", "httpd")
    assert el9.output(*FETCH, "http://localhost/version.php").startswith("fpm-fcgi8.2.")

    el9.run("dnf", "--assumeyes", "module", "switch-to", "php:8.4", "nodejs:20", timeout=600)
    assert php(el9, GERMAN).startswith("8.4.")
    assert el9.output("node", "--print", "process.version + typeof fetch").startswith("v20.")
    el9.run("systemctl", "restart", "php-fpm")
    assert el9.output(*FETCH, "http://localhost/version.php").startswith("fpm-fcgi8.4.")
    assert changed(el9) == []


def test_el10_says_so_and_has_named_packages_that_exclude_each_other() -> None:
    with new_box("rpms-el10", dress="el10") as box:
        assert 'VERSION_ID="10.' in box.output("cat", "/etc/os-release")
        assert box.output("rpm", "--query", "lab-base").startswith("lab-base-10.")
        install(box, "php8.4-cli", "php8.4-mysqlnd", "nodejs", "nodejs-npm", "mariadb11.8-server")
        assert php(box, "echo PHP_VERSION;").startswith("8.4.")
        assert box.output("node", "--version").startswith("v20.")
        box.run("systemctl", "start", "mariadb")
        assert php(box, ASK).startswith("11.8.")
        refused = box.run("dnf", "--assumeyes", "install", "php-cli", check=False)
        assert refused.returncode != 0
        assert b"conflicts" in refused.stdout + refused.stderr
        assert changed(box) == []
