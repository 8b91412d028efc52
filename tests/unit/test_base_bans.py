"""Who is banned, and who never: the filter for FreePBX's log, and the program that spares the trunks."""

from __future__ import annotations

import ast
import configparser
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Tuple

import jinja2
import pytest
import yaml

from support import setpriv
from support.collection import ROOT

BASE = ROOT / "roles/base"
SPARE = BASE / "files/spare_trunks.py"
# As FreePBX 17 and, without a channel, as releases before 15 write it; who logs in chooses the name.
NOW, CHANNEL = "[2026-11-29 04:00:00]", "[freepbx_security.NOTICE]:"
FAILED = "Authentication failure for"
LINES = {
    f"{NOW} {CHANNEL} {FAILED} admin from 198.51.100.7 [] []": "198.51.100.7",
    f"{NOW} {CHANNEL} {FAILED} a from 203.0.113.66 [] [] from 198.51.100.7 [] []": "198.51.100.7",
    f"{NOW} {CHANNEL} {FAILED} x from 2001:db8::7 [] []": "2001:db8::7",
    f"[2015-03-20 12:00:00] {FAILED} unknown from 198.51.100.7": "198.51.100.7",
    f"{NOW} {CHANNEL} Authentication successful for a from 198.51.100.7 [] []": "",
    f"{NOW} {CHANNEL} Possible proxy detected, headers for{FAILED} a from 203.0.113.66 set to 1 [] []": "",
}
TRUNKS = {
    "pjsip.identify.conf": "[t]\ntype = identify\nmatch = 192.0.2.10, 198.51.100.0/24,localhost\n",
    "pjsip.registration.conf": "[t]\nserver_uri=sip:203.0.113.5:5060\n;server_uri=sip:203.0.113.6\n",
    "pjsip_custom.conf": "contact => sip:me@[2001:db8::2]:5060\nmatch=192.0.2.64/255.255.255.192\n",
    "extensions.conf": "match = 203.0.113.77\n",
}
WANTED = {
    "192.0.2.10/32",
    "198.51.100.0/24",
    "203.0.113.5/32",
    "2001:db8::2/128",
    "192.0.2.64/26",
    "127.0.0.1/32",
}
# What whoever holds asterisk could write, to have everybody spared, or root read without end.
HOSTILE = "match=0.0.0.0/0,10.0.0.0/8,::/0,$(id),-x,../../etc\ncontact=sip:" + "9" * 100_000 + "\n"


def address(line: str) -> str:
    """Return whom the filter bans for a line, as fail2ban asks: the date is taken out before."""
    text = (BASE / "templates/freepbx.filter.j2").read_text()
    pattern = re.search(r"^failregex = (.*)$", text, re.MULTILINE)
    assert pattern
    found = re.search(pattern[1].replace("<ADDR>", r"(?P<ip>[0-9.]+|[0-9a-fA-F:]+)"), line.partition("]")[2])
    return found["ip"] if found else ""


@pytest.mark.parametrize(("line", "whose"), LINES.items())
def test_who_fails_to_log_in_to_freepbx_counts_whatever_his_name_says(line: str, whose: str) -> None:
    assert address(line) == whose


JAILS = {
    ("asterisk", False): ["asterisk"],
    ("asterisk", True): ["asterisk", "apache-auth"],
    ("freepbx", True): ["asterisk", "apache-auth", "freepbx"],
}


@pytest.mark.parametrize(("box", "jails"), JAILS.items())
def test_what_asks_for_a_password_has_a_jail(box: Tuple[str, bool], jails: List[str]) -> None:
    settings = {**yaml.safe_load((BASE / "defaults/main.yml").read_text())}
    settings.update(yaml.safe_load((BASE / "vars/el9.yml").read_text()))
    settings.update(base_profile=box[0], base_web=box[1], __base_sip_ports=[5060])
    told = yaml.safe_load((BASE / "vars/main.yml").read_text())["__base_jails"]
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)  # noqa: S701 - no web page
    environment.filters.update(bool=bool, dirname=os.path.dirname)
    settings["__base_jails"] = ast.literal_eval(environment.from_string(told).render(settings))
    text = environment.from_string((BASE / "templates/jail.local.j2").read_text()).render(settings)
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.read_string(text)
    assert settings["__base_jails"] == jails
    assert {*parsed.sections()} == {*jails, "sshd"}
    for name in jails:
        # fail2ban does not start without any file.
        assert parsed[name]["logpath"].split("\n")[1] == "/etc/fail2ban/switchroom-empty.log"
        assert parsed[name]["action"].endswith("blocktype=drop]")


Box = Tuple[Path, Dict[str, str]]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A folder of Asterisk's and the program's environment; a fake fail2ban notes what it is told."""
    programs, folder = tmp_path / "bin", tmp_path / "asterisk"
    programs.mkdir()
    folder.mkdir()
    setpriv.install(programs)
    (programs / "fail2ban-client").write_text(
        f'#!/bin/sh\necho "${{TEST_RUNS_AS:-root}} $*" >> {tmp_path}/told\n'
        'case "$*" in *ignoreip) printf "%s\\n" "These IP addresses/networks are ignored:" "|- 127.0.0.0/8"\n'
        "echo '`- 192.0.2.10' ;; *banip) echo 203.0.113.5 203.0.113.99 ;; esac\n"
    )
    (programs / "fail2ban-client").chmod(0o755)
    program = tmp_path / "spare_trunks.py"
    program.write_text(SPARE.read_text().replace('FOLDER = "/etc/asterisk"', f'FOLDER = "{folder}"'))
    return folder, {**os.environ, "PATH": f"{programs}:/usr/bin:/bin"}


def spare(box: Box) -> List[str]:
    """Run the program as root would, and return what fail2ban was told."""
    folder, environment = box
    words = [sys.executable, "-I", str(folder.parent / "spare_trunks.py")]
    subprocess.run(words, env=environment, check=True, timeout=60)
    return (folder.parent / "told").read_text().splitlines()


def test_trunks_are_ignored_and_let_in_and_nobody_else(box: Box) -> None:
    for name, text in TRUNKS.items():
        (box[0] / name).write_text(text)
    told = spare(box)
    added = {line.split()[-1] for line in told if "addignoreip" in line}
    assert added - {"::1/128"} == WANTED - {"192.0.2.10/32"}, "that one is ignored already"
    assert [line for line in told if "unbanip" in line] == ["root set asterisk unbanip 203.0.113.5"]
    assert {line.split()[0] for line in told} == {"root"}


def test_asterisk_s_files_are_read_as_asterisk(box: Box) -> None:
    """A program in place of the list says who it is, by an address."""
    program = box[0].parent / "spare_trunks.py"
    text = program.read_text()
    seen = 'show(sys.argv[2]) if os.environ.get("TEST_RUNS_AS") == "asterisk" else print("203.0.113.88")'
    program.write_text(text.replace("show(sys.argv[2])", seen))
    (box[0] / "pjsip.conf").write_text("match=203.0.113.5\n")
    assert "root set asterisk addignoreip 203.0.113.5/32" in spare(box)


def test_whoever_holds_asterisk_cannot_have_everybody_spared(box: Box) -> None:
    (box[0] / "pjsip.conf").write_text(HOSTILE)
    (box[0] / "pjsip_many.conf").write_text(
        "".join(f"match=10.1.{n // 250}.{n % 250}\n" for n in range(5000))
    )
    (box[0] / "pjsip_loop.conf").symlink_to("pjsip_loop.conf")
    added = [line for line in spare(box) if "addignoreip" in line]
    assert len(added) <= 500
    assert all("10.1." in line for line in added)
