"""PHP, Node.js and MariaDB on both kinds of boxes after changes and the way back, seen over ssh."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest

EXPECTED: Dict[str, Dict[str, str]] = {
    "molecule-runtimes-9": {"php": "8.2.", "node": "18.", "mariadb": "10.11.", "dump": "10.5"},
    "molecule-runtimes-10": {"php": "8.2.", "node": "20.", "mariadb": "11.8.", "dump": "10.11"},
}


@pytest.fixture
def expected(host: Any) -> Dict[str, str]:
    return EXPECTED[host.backend.host]


def test_php_runs_at_the_version_with_its_extensions_and_settings(
    host: Any, expected: Dict[str, str]
) -> None:
    code = "echo json_encode([PHP_VERSION, get_loaded_extensions(), ini_get('memory_limit')]);"
    version, extensions, limit = json.loads(host.check_output("php -r %s", code))
    assert version.startswith(expected["php"])
    assert {"mbstring", "pdo_mysql", "SimpleXML", "gd", "posix", "soap"} <= set(extensions)
    assert limit == "256M"


def test_php_fpm_answers_over_its_socket_as_the_pbxs_user(host: Any, expected: Dict[str, str]) -> None:
    assert host.service("php-fpm").is_running
    assert host.service("php-fpm").is_enabled
    socket = host.file("/run/php-fpm/asterisk.sock")
    assert socket.is_socket
    code = 'exit(@fsockopen("unix:///run/php-fpm/asterisk.sock") ? 0 : 1);'
    assert host.run("runuser -u asterisk -- php -r %s", code).rc == 0
    assert host.run("runuser -u nobody -- php -r %s", code).rc == 1
    assert host.file("/var/lib/php/asterisk").mode == 0o700
    assert host.run("cd /run/php-fpm && ls probe-*").rc != 0


def test_node_and_npm_run_at_the_version(host: Any, expected: Dict[str, str]) -> None:
    assert host.check_output("node -e %s", "console.log(process.version)").startswith(f"v{expected['node']}")
    assert host.check_output("npm --version")


def test_mariadb_runs_at_the_version_and_kept_the_data(host: Any, expected: Dict[str, str]) -> None:
    answer = host.check_output("mariadb -BN -e 'SELECT VERSION(); SELECT word FROM pbx.kept'").splitlines()
    assert answer[0].startswith(expected["mariadb"])
    assert answer[1] == "kept"
    assert host.run("mariadb-upgrade --check-if-upgrade-is-needed").rc == 1


def test_mariadb_lets_in_root_by_the_socket_and_nobody_else(host: Any) -> None:
    assert not host.socket("tcp://3306").is_listening
    users = host.check_output("mariadb -BN -e \"SELECT CONCAT(User, '@', Host) FROM mysql.user\"").split()
    assert "root@localhost" in users
    assert not [user for user in users if user.startswith(("@", "root@")) and user != "root@localhost"]
    for words in (
        "mariadb -e 'SELECT 1'",
        "mariadb -u nobody -e 'SELECT 1'",
        "mariadb -u root -e 'SELECT 1'",
    ):
        assert host.run(f"runuser -u asterisk -- {words}").rc != 0
    assert "test" not in host.check_output("mariadb -BN -e 'SHOW DATABASES'").split()


def test_the_dump_of_before_is_whole_and_for_root_only(host: Any, expected: Dict[str, str]) -> None:
    (path,) = host.check_output("ls /var/backups/mariadb/*").split()
    assert path.startswith(f"/var/backups/mariadb/mariadb-{expected['dump']}")
    dump, folder = host.file(path), host.file("/var/backups/mariadb")
    assert (dump.mode, folder.mode, dump.user) == (0o600, 0o700, "root")
    assert "kept" in host.check_output(f"grep -A3 'CREATE TABLE `kept`' {path}")


def test_the_box_is_whole(host: Any) -> None:
    assert host.run("ls /var/lib/switchroom/streams/*.json").rc != 0
    assert host.run("dnf check").rc == 0
    assert host.check_output("systemctl list-units --failed --plain --no-legend") == ""
