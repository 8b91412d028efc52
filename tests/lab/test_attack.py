"""Somebody who got into the user asterisk tries to become root, and to keep the box from its dial tone.

Every test leaves the box as it found it. What root does by itself and by habit is done after each trap was
laid: health, status, logrotate, ``asterisk -rx``, a console on a terminal, the worker of a switch.
"""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

from lab.boxes import Box, new_box
from lab.layers import appliance_layer, repository_bind
from support import boxes, root_runs
from support.unit_scores import BOX_UNITS, stated

common_repository = boxes.common_repository  # a fixture
pytestmark = pytest.mark.lab("systemd-nspawn", "unshare", "ssh", "mkfs.ext4", "ip", "dnf", "rpmbuild")

HOME = "/var/lib/asterisk"
CONF = "/etc/asterisk"
TRANSACTION = "/var/lib/switchroom/transaction"
WORKER = "switchroom-resume.service"
HEALTH_SECONDS = 60.0
# Says who runs it, each time in a file of its own, and leaves the door open behind it.
EVIL = f"""\
#!/bin/sh
id -u > {HOME}/proof-$$
cp /bin/sh {HOME}/door-$$ && chmod 4755 {HOME}/door-$$
"""
# Answers each question on the console's socket with a stream that does not end.
FLOOD = """\
import os, socket, threading
path = "/run/asterisk/asterisk.ctl"
os.rename(path, path + ".real")
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(50)
def serve(line):
    try:
        line.sendall(b"pbx/1/Asterisk 22\\n")
        while True:
            line.sendall(b"x" * 65536)
    except OSError:
        line.close()
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


@pytest.fixture(scope="module")
def box(common_repository: Path) -> Iterator[Box]:
    layer = appliance_layer(common_repository, boxes.APPLIANCE)
    with new_box("attacked", [layer], repository_bind(common_repository)) as made:
        assert made.wait_booted() == "running"
        made.run("switchroom", "health")
        made.run("mkdir", "-p", "/var/lib/switchroom")  # as the first switch does
        yield made


def attack(box: Box, script: str, check: bool = True) -> str:
    """Run a shell's script as the user asterisk; return what it said."""
    done = box.run("runuser", "-u", "asterisk", "--", "sh", "-c", script, check=check)
    return (done.stdout + done.stderr).decode(errors="replace")


def write(box: Box, path: str, text: str, mode: str = "0644") -> None:
    box.run("install", "-m", mode, "/dev/stdin", path, stdin=text.encode())


def health(box: Box) -> Dict[str, Any]:
    begin = time.monotonic()
    report: Dict[str, Any] = json.loads(box.run("switchroom", "health", "--json", check=False).stdout)
    assert time.monotonic() - begin < HEALTH_SECONDS
    return report


def status(box: Box) -> Dict[str, Any]:
    found: Dict[str, Any] = json.loads(box.run("switchroom", "status", "--json", check=False).stdout)
    return found


def ended(box: Box) -> None:
    """Wait until the worker has come to its end."""
    box.run("sh", "-c", f"until [ $(systemctl show -P ActiveState {WORKER}) = inactive ]; do sleep 0.1; done")


def work_as_root(box: Box) -> None:
    """Do what root does by itself, and what an admin does by habit."""
    health(box)
    status(box)
    box.run("asterisk", "-rx", "core show version", check=False)
    box.run("rasterisk", "-x", "core show uptime", check=False)
    box.run("script", "-qec", "asterisk -r", "/dev/null", stdin=b"core show version\nexit\n", check=False)
    box.run("logrotate", "--force", "/etc/logrotate.d/asterisk", check=False)
    box.run("systemctl", "reload", "asterisk.service", check=False)
    box.run("systemctl", "restart", "switchroom-recover.service", check=False)


@contextlib.contextmanager
def own_configuration(box: Box) -> Iterator[None]:
    """Put Asterisk's configuration back afterwards."""
    box.run("cp", "-a", CONF, "/root/asterisk.orig")
    try:
        yield
    finally:
        box.run("rm", "-rf", CONF)
        box.run("mv", "/root/asterisk.orig", CONF)


def test_programs_in_asterisks_configuration_do_not_run_as_root(box: Box) -> None:
    write(box, f"{HOME}/evil", EVIL, "0755")
    with own_configuration(box):
        options = r"sed -i 's/^\[options\]/[options]\nexecincludes = yes/' asterisk.conf"
        attack(box, f"cd {CONF} && {options} && sed -i '1i #exec {HOME}/evil' logger.conf")
        work_as_root(box)
        ran = box.run("sh", "-c", f"cat {HOME}/proof-*", check=False).stdout.split()
        doors = box.output("sh", "-c", f"find {HOME} -name 'door-*' -user root")
        box.run("sh", "-c", f"rm -f {HOME}/proof-* {HOME}/door-* {HOME}/evil")
    assert ran, "the trap was never sprung, so it proved nothing"
    assert b"0" not in ran
    assert doors == ""


@pytest.mark.parametrize("folder", ["/system-update", "/etc/nologin", TRANSACTION])
def test_asterisks_configuration_has_no_folder_made_by_root(box: Box, folder: str) -> None:
    with own_configuration(box):
        lines = f"s|^astrundir.*|astrundir => {folder}|; s|^.options.|[options]\\nrungroup = shadow|"
        attack(box, f"sed -i '{lines}' {CONF}/asterisk.conf")
        work_as_root(box)
        made = box.run("test", "-e", folder, check=False).returncode == 0
        box.run("rm", "-rf", folder)
    assert not made


def test_the_terminal_of_a_console_is_not_roots(box: Box) -> None:
    """A program of asterisk's on root's terminal could read what root types, and type for him."""
    say = f"#!/bin/sh\nls -l /proc/self/fd >> {HOME}/seen 2>&1; ps -o tty= -p $$ >> {HOME}/seen\n"
    write(box, f"{HOME}/say", say, "0755")
    with own_configuration(box):
        options = r"sed -i 's/^\[options\]/[options]\nexecincludes = yes/' asterisk.conf"
        attack(box, f"cd {CONF} && {options} && sed -i '1i #exec {HOME}/say' logger.conf")
        told = "tty > /root/terminal; asterisk -r; asterisk -rx 'core show version' | cat"
        box.run("script", "-qec", told, "/dev/null", stdin=b"exit\n", check=False)
        seen = box.output("sh", "-c", f"cat {HOME}/seen; rm -f {HOME}/seen {HOME}/say")
    mine = box.output("cat", "/root/terminal")
    assert mine.startswith("/dev/pts/")
    assert "/proc/" in seen
    assert mine not in seen.split()
    assert mine.removeprefix("/dev/") not in seen.split()


def test_nobody_else_can_take_a_lock_or_plan_a_switch(box: Box) -> None:
    for lock in ("worker.lock", "switch.lock", "asterisk.lock", "first-boot.lock"):
        assert "Permission denied" in attack(box, f"flock -n /run/switchroom/{lock} true", check=False)
    for folder in ("/run/switchroom", "/var/lib/switchroom", "/etc/switchroom", "/etc/switchroom/health.d"):
        assert "Permission denied" in attack(box, f"touch {folder}/plan.json", check=False)
    assert box.output("stat", "-c", "%a %U", "/run/switchroom") == "700 root"


def test_what_only_looks_like_a_switch_ends_nothing(box: Box) -> None:
    box.run("mkdir", TRANSACTION)  # as root was once made to
    box.run("systemctl", "start", WORKER)
    ended(box)
    assert box.run("switchroom", "status", "--idle", check=False).returncode == 0
    assert status(box)["exit_code"] == 0
    said = box.output("journalctl", f"--unit={WORKER}", "--output=cat", "--lines=20")
    assert "was set aside" in said
    box.run("sh", "-c", f"rmdir {TRANSACTION}.set-aside-*")


def test_a_worker_without_its_lock_tries_again_until_it_has_it(box: Box) -> None:
    """As when somebody had opened the lock's file before an update made it root's."""
    hold = "exec 9>>/run/switchroom/worker.lock; flock 9; sleep 600; :"
    box.run("systemd-run", "--quiet", "--unit=lab-thief", "sh", "-c", hold)
    write(box, "/run/switchroom/plan.json", "{}")
    try:
        box.run("systemctl", "start", "--no-block", WORKER)
        again = f"until [ $(systemctl show -P NRestarts {WORKER}) -gt 0 ]; do sleep 0.2; done"
        box.run("sh", "-c", again, timeout=60)
    finally:
        box.run("systemctl", "stop", "lab-thief.service")
    ended(box)
    assert status(box)["exit_code"] == 0
    assert box.run("test", "-e", "/run/switchroom/plan.json", check=False).returncode == 1


def test_a_console_that_never_ends_its_answer_is_given_up(box: Box) -> None:
    write(box, f"{HOME}/flood.py", FLOOD)
    flood = f"systemd-run --quiet --unit=lab-flood --uid=asterisk python3 {HOME}/flood.py"
    box.run(
        "sh", "-c", f"{flood}; until [ -S /run/asterisk/asterisk.ctl.real ]; do sleep 0.1; done; sleep 0.5"
    )
    try:
        report = health(box)
    finally:
        box.run("systemctl", "stop", "lab-flood.service")
        box.run("sh", "-c", "cd /run/asterisk && mv asterisk.ctl.real asterisk.ctl")
        box.run("rm", f"{HOME}/flood.py")
    booted = next(check for check in report["checks"] if check["name"] == "booted")
    assert not booted["ok"]
    assert health(box)["healthy"]


SQUATTER = """
import socket
taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
taken.bind(("0.0.0.0", 5060))
print("ready", flush=True)
while True:
    said, whence = taken.recvfrom(4096)
    taken.sendto(said.replace(b"OPTIONS sip:", b"SIP/2.0 200 OK\\r\\nX: ", 1), whence)
"""


def test_another_user_who_answers_sip_in_asterisks_place_is_no_dial_tone_and_is_named(box: Box) -> None:
    box.run("systemctl", "stop", "asterisk.service")
    try:
        run = [
            "systemd-run",
            "--quiet",
            "--unit=squatter",
            "--uid=nobody",
            "/usr/bin/python3",
            "-c",
            SQUATTER,
        ]
        box.run(*run)
        box.run("sh", "-c", "until ss -Hlun sport = 5060 | grep -q 5060; do sleep 0.1; done", timeout=20)
        box.run("systemctl", "start", "asterisk.service")
        looked = box.run("switchroom", "health", check=False, timeout=HEALTH_SECONDS)
        assert looked.returncode != 0
        assert b"taken: pjsip udp 0.0.0.0:5060 by a program of the user 'nobody'" in looked.stdout
    finally:
        box.run("systemctl", "stop", "squatter.service", check=False)
        box.run("systemctl", "restart", "asterisk.service")
    assert box.run("switchroom", "health", check=False, timeout=HEALTH_SECONDS).returncode == 0


def test_a_link_in_the_place_of_the_console_leads_root_nowhere(box: Box) -> None:
    attack(
        box,
        "cd /run/asterisk && mv asterisk.ctl asterisk.ctl.real && ln -s /run/systemd/private asterisk.ctl",
    )
    try:
        report = health(box)
    finally:
        attack(box, "cd /run/asterisk && mv asterisk.ctl.real asterisk.ctl")
    assert not report["healthy"]
    assert health(box)["healthy"]


def test_a_health_check_behind_a_link_of_asterisks_is_not_run(box: Box) -> None:
    write(box, "/root/good", "#!/bin/sh\necho fine\n", "0755")
    attack(box, f"ln -s /root/good {HOME}/link")
    box.run("ln", "-s", f"{HOME}/link", "/etc/switchroom/health.d/10-linked")
    try:
        report = health(box)
    finally:
        box.run("rm", "/etc/switchroom/health.d/10-linked", f"{HOME}/link", "/root/good")
    check = next(check for check in report["checks"] if check["name"] == "site:10-linked")
    assert "not run" in check["evidence"]
    assert f"'{HOME}' is not owned by root" in check["evidence"]


def test_all_that_root_runs_is_roots(box: Box) -> None:
    source = Path(root_runs.__file__).read_bytes()
    found = json.loads(box.run("/usr/bin/python3", "-IB", "-", stdin=source).stdout)
    assert found["faults"] == []
    assert {"asterisk.service", "switchroom-resume.service", "logrotate", "cron", "dnf", "ours"} <= set(
        found["seen"]
    )
    assert "/usr/bin/switchroom" in found["seen"]["switchroom-resume.service"]
    assert "/usr/sbin/asterisk" in found["seen"]["logrotate"]
    box.run("install", "-d", "-o", "asterisk", "/etc/switchroom/health.d/of-a-stranger")
    try:
        again = json.loads(box.run("/usr/bin/python3", "-IB", "-", stdin=source).stdout)
    finally:
        box.run("rmdir", "/etc/switchroom/health.d/of-a-stranger")
    assert [fault for fault in again["faults"] if "of-a-stranger" in fault]


def test_units_are_as_confined_as_the_documents_say(box: Box) -> None:
    scores = stated()
    for unit in BOX_UNITS:
        said = box.output("systemd-analyze", "security", "--no-pager", unit).splitlines()[-1]
        assert float(said.split(": ")[1].split()[0]) <= scores[unit].score, unit
    assert (
        box.output("systemctl", "show", "--property=Result", "switchroom-recover.service") == "Result=success"
    )
