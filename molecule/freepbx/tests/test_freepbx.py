"""The whole site with FreePBX's profile on one box; FreePBX itself is the lab's fake."""

from __future__ import annotations

import json
import re
import time
from typing import Any, Dict

import pytest

from lab import network
from support.calls import call
from support.molecule import box_of

SECRETS = {
    "/etc/freepbx.conf": ("asterisk", 0o640),
    "/etc/amportal.conf": ("asterisk", 0o640),
    "/etc/asterisk/manager.conf": ("asterisk", 0o640),
    "/etc/switchroom/freepbx-database.cnf": ("root", 0o600),
    "/etc/switchroom/freepbx-api.json": ("root", 0o600),
}
GUESSER, TRUNK = "198.51.100.7", "203.0.113.5"
PJSIP = f"""\
[caller]
type = endpoint
context = lab
disallow = all
allow = ulaw
aors = caller
[caller]
type = aor
[caller]
type = identify
endpoint = caller
match = {network.HOST}
"""
DIALPLAN = "[lab]\nexten => 100,1,Answer()\n same => n,Playback(hello-world)\n same => n,Wait(10)\n"


def fwconsole(host: Any, words: str) -> str:
    """Run it as its owner, and return what it said."""
    return str(host.check_output(f"runuser -u asterisk -- fwconsole {words}"))


def web(host: Any, path: str, *more: str) -> str:
    """Return what the site answers, its status on the last line."""
    box = box_of(host)
    words = ("--silent", "--insecure", "--write-out", "'\\n%{http_code}'", *more)
    return str(host.check_output(f"curl {' '.join(words)} https://{box.address}{path}"))


def setting(host: Any, key: str) -> str:
    said = fwconsole(host, f"setting {key}")
    found = re.search(r"\[(.*)\]$", said)
    assert found, said
    return found[1]


def pid(host: Any) -> str:
    return str(host.check_output("systemctl show --property=MainPID --value asterisk"))


def test_root_ran_nothing_of_freepbx_but_its_installer(host: Any) -> None:
    """Each installation ends with the one chown; the first was killed before."""
    assert set(host.check_output("cat /var/lib/fake-fwconsole/as-root").splitlines()) <= {"chown"}


def test_services_run_now_and_after_a_boot(host: Any) -> None:
    for name in ("asterisk", "httpd", "php-fpm", "mariadb", "crond", "freepbx"):
        assert host.service(name).is_running, name
        assert host.service(name).is_enabled, name
    assert host.file("/run/asterisk/fake-post-hooks").user == "asterisk", "freepbx.service ran nothing"


def test_the_page_is_rendered_by_php_from_the_database(host: Any) -> None:
    page, status = web(host, "/admin/config.php").rsplit("\n", 1)
    assert status == "200"
    assert "Warning" not in page
    assert re.search(r"Version 17\.[\d.]+ on PHP 8\.2\.\d+ as asterisk", page), page
    assert "System Switchroom&#039;s lab" in page
    assert "Please log in" in page, "the first visitor could make himself the administrator"
    fwconsole(host, "setting FREEPBX_SYSTEM_IDENT changed")
    assert "System changed" in web(host, "/admin/config.php")
    fwconsole(host, 'setting FREEPBX_SYSTEM_IDENT "Switchroom\'s lab"')


def test_freepbx_keeps_its_inner_files_from_visitors(host: Any) -> None:
    assert web(host, "/admin/bootstrap.php").endswith("\n403")


def test_a_link_of_asterisk_s_shows_nothing_of_others(host: Any) -> None:
    plant = "mkdir lab && cd lab && ln -s /etc/passwd theirs && echo own >own && ln -s own link"
    host.check_output(f"runuser -u asterisk -- sh -c 'cd /var/www/html && {plant}'")
    assert web(host, "/lab/link") == "own\n\n200"
    assert web(host, "/lab/theirs").endswith("\n403")
    for option in ("FollowSymLinks", "All", "ExecCGI", "Includes"):
        host.check_output(
            f"runuser -u asterisk -- sh -c 'echo Options +{option} >/var/www/html/lab/.htaccess'"
        )
        assert "root:" not in web(host, "/lab/theirs")
        assert web(host, "/lab/own").endswith("\n500")
    host.check_output("rm -r /var/www/html/lab")


def test_settings_and_modules_are_as_asked_for(host: Any) -> None:
    wanted = {
        "LAUNCH_AGI_AS_FASTAGI": "true",
        "DIALPARTIESDIALPLAN": "true",
        "SYS_STATS_DISABLE": "false",
        "SYS_STATS_MAXAGE": "300",
        "SIGNATURECHECK": "true",
    }
    assert {key: setting(host, key) for key in wanted} == wanted
    rows = json.loads(fwconsole(host, "ma list --format=json").splitlines()[-1])["data"]
    status = {row[0]: row[2] for row in rows}
    assert {status[name] for name in ("framework", "core", "pm2", "api")} == {"Enabled"}
    made = host.check_output("cat /etc/asterisk/extensions_additional.conf")
    assert "DIALPARTIESDIALPLAN = 1" in made, "the dialplan was not written anew"


@pytest.mark.parametrize("path", SECRETS)
def test_every_secret_is_kept_from_others(host: Any, path: str) -> None:
    file, (owner, mode) = host.file(path), SECRETS[path]
    assert (file.user, file.group, file.mode) == (owner, owner, mode)
    assert host.file("/var/lib/switchroom/freepbx").mode == 0o700


def test_the_password_of_the_database_is_nowhere_else(host: Any) -> None:
    password = re.search(
        r"password = (\w{40})\n", host.file("/etc/switchroom/freepbx-database.cnf").content_string
    )
    assert password
    places = "/etc /var/log /root /var/lib/switchroom /tmp /var/lib/asterisk"
    found = host.run(
        f"grep --recursive --no-messages --files-with-matches {password[1]} {places}"
    ).stdout.split()
    assert set(found) <= SECRETS.keys()
    assert host.run(f"journalctl --no-pager --grep {password[1]}").rc != 0


def test_a_program_gets_a_token_with_the_kept_secret(host: Any) -> None:
    kept: Dict[str, str] = json.loads(host.file("/etc/switchroom/freepbx-api.json").content_string)
    form = [f"--data {name}={kept[name]}" for name in ("grant_type", "client_id", "client_secret")]
    answer, status = web(host, kept["token_path"], *form).rsplit("\n", 1)
    assert (status, json.loads(answer)["token_type"]) == ("200", "Bearer")
    assert web(host, kept["token_path"], *form[:2]).endswith("\n401")
    count = "mariadb --batch --skip-column-names --execute='SELECT COUNT(*) FROM api_applications' asterisk"
    assert host.check_output(count) == "1"


def test_there_is_one_cron_job_and_it_works(host: Any) -> None:
    places = "/etc/crontab /etc/cron.d /var/spool/cron"
    lines = host.check_output(f"grep -r --no-messages 'fwconsole job --run' {places}").splitlines()
    assert len(lines) == 1
    place, _, line = lines[0].partition(":* * * * * ")
    assert place.startswith("/var/spool/cron/")
    assert place.endswith("/asterisk")
    assert host.run(f"runuser -u asterisk -- /bin/sh -c '{line}'").rc == 0


def test_what_fail2ban_reads_is_still_written(host: Any) -> None:
    assert "security.log" in host.check_output("asterisk -rx 'logger show channels'")


def test_who_guesses_freepbx_s_passwords_is_banned(host: Any) -> None:
    assert "apache-auth, asterisk, freepbx, sshd" in host.check_output("fail2ban-client status")
    now = host.check_output("date '+%F %T'")
    line = f"[{now}] [freepbx_security.NOTICE]: Authentication failure for a from {GUESSER} [] []\n"
    with (box_of(host).root / "var/log/asterisk/freepbx_security.log").open("a") as log:
        log.write(line * 12)
    deadline = time.monotonic() + 60
    while GUESSER not in host.check_output("fail2ban-client get freepbx banip"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    host.check_output(f"fail2ban-client set freepbx unbanip {GUESSER}")


def test_no_trunk_is_ever_banned(host: Any) -> None:
    trunk = box_of(host).root / "etc/asterisk/pjsip_trunk.conf"
    trunk.write_text(f"[trunk]\ntype = identify\nendpoint = caller\nmatch = {TRUNK}\n")
    host.check_output(f"fail2ban-client set asterisk banip {TRUNK}")
    host.check_output("systemctl start switchroom-trunks.service")
    assert TRUNK in host.check_output("fail2ban-client get asterisk ignoreip")
    assert TRUNK not in host.check_output("fail2ban-client get asterisk banip")
    assert host.service("switchroom-trunks.timer").is_enabled
    trunk.unlink()


def test_an_end_of_freepbx_is_no_end_of_dial_tone(host: Any) -> None:
    before = pid(host)
    host.check_output("systemctl restart freepbx")
    host.check_output("systemctl stop freepbx")
    host.check_output("systemctl start freepbx")
    assert pid(host) == before


def test_fwconsole_restart_leaves_dial_tone_and_one_owner(host: Any) -> None:
    box = box_of(host)
    for name, text in (("pjsip_custom.conf", PJSIP), ("extensions_custom.conf", DIALPLAN)):
        (box.root / "etc/asterisk" / name).write_text(text)
    before = pid(host)
    host.check_output("fwconsole restart")
    assert pid(host) not in (before, "0")
    assert host.check_output("pidof asterisk") == pid(host)
    assert json.loads(host.check_output("switchroom health --json --wait 60"))["healthy"]
    tally = call(box.address, "100")
    assert (len(tally.ended), tally.failed) == (1, ())
    assert tally.sound[0].packets > 20
