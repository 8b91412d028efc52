"""``switchroom health`` on a booted box: a healthy box is healthy, and each illness is named by its check.

Every test leaves the box as healthy as it found it. The box registers with itself, so that there are a
registration, a phone and a trunk to lose.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any, Dict, Iterator, Tuple

import pytest

from lab.boxes import Box, new_box
from lab.engines.shelf import Shelf
from lab.layers import appliance_layer
from support.lab_engines import Offer, bind, lab_engines, offering, products
from switchroom.core.errors import SwitchroomError

__all__ = ["lab_engines", "offering", "products"]  # fixtures
pytestmark = pytest.mark.lab("systemd-nspawn", "unshare", "ssh", "mkfs.ext4", "ip", "dnf", "rpmbuild")

PJSIP = """\
[transport-udp]
type = transport
protocol = udp
bind = 0.0.0.0:5060

[transport-tcp]
type = transport
protocol = tcp
bind = 127.0.0.1:5060

[provider]
type = registration
outbound_auth = provider
server_uri = sip:127.0.0.1:5060
client_uri = sip:7001@127.0.0.1:5060
retry_interval = 2
max_random_initial_delay = 0
auth_rejection_permanent = no

[provider]
type = auth
auth_type = userpass
username = 7001
password = {password}

[7001]
type = endpoint
aors = 7001
auth = 7001

[7001]
type = auth
auth_type = userpass
username = 7001
password = lab-only

[7001]
type = aor
max_contacts = 1
qualify_frequency = 2

[carrier]
type = endpoint
aors = carrier

[carrier]
type = aor
contact = sip:127.0.0.1:5060
qualify_frequency = 2
"""
SIP = """\
[general]
udpbindaddr = 0.0.0.0:5160
[carrier]
type = peer
host = 127.0.0.1
port = 5160
qualify = yes
"""
MANAGER = "[lab]\nsecret = lab-secret\ndeny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.1/255.255.255.255\n"
CHECKS = ["process", "booted", "ami", "sip", "call", "registrations", "contacts", "trunks"]
CDR = "/var/log/asterisk/cdr-csv/Master.csv"
CONF = "/etc/asterisk"
SITE = "/etc/switchroom/health.d"
BASELINE = "/root/baseline.json"


@pytest.fixture(scope="module")
def box(lab_engines: Shelf, offering: Offer) -> Iterator[Box]:
    """A box with 22 selected and Asterisk 16, or what stands in for it, beside it."""
    outlet = offering(lab_engines.current, lab_engines.other_major)
    packages = ["switchroom", lab_engines.current.series.meta, lab_engines.other_major.series.meta]
    with new_box("health", [appliance_layer(outlet.root, packages)], bind(outlet)) as made:
        write(made, f"{CONF}/pjsip.conf", PJSIP.format(password="lab-only"))
        write(made, f"{CONF}/sip.conf", SIP)
        write(made, f"{CONF}/manager.d/lab.conf", MANAGER)
        write(made, f"{CONF}/cdr.conf", "[general]\nenable = yes\n[csv]\nusegmtime = yes\n")
        made.run("sed", "-i", "-e", "/cdr_csv/d", "-e", "/chan_sip/d", f"{CONF}/modules.conf")
        write(made, "/etc/switchroom/box.yml", "health: {grace: 15, site_timeout: 2}\n")
        made.run("mkdir", "-p", SITE)
        restart(made)
        assert health(made, "--save-baseline", BASELINE)[0] == 0
        settled(made)
        yield made


def write(box: Box, path: str, text: str, mode: str = "0644") -> None:
    box.run("install", "-m", mode, "/dev/stdin", path, stdin=text.encode())


def restart(box: Box) -> None:
    box.run("systemctl", "restart", "asterisk.service")


def health(box: Box, *words: str) -> Tuple[int, Dict[str, Any]]:
    """Return the exit code and the report, its checks by name."""
    result = box.run("switchroom", "health", "--json", *words, check=False)
    try:
        report = json.loads(result.stdout)
    except ValueError:
        raise SwitchroomError("No report.", cause=(result.stdout + result.stderr).decode()) from None
    report["checks"] = {check["name"]: check for check in report["checks"]}
    return result.returncode, report


def settled(box: Box) -> None:
    """Save the baseline anew when the registration has come back."""
    for _ in range(30):
        code, _report = health(box, "--save-baseline", BASELINE)
        before = json.loads(box.output("cat", BASELINE))
        states = [before[what].get(name) for what, name in EXPECTED]
        if code == 0 and states == ["reachable"] * len(EXPECTED):
            return
        box.run("sleep", "1")
    raise AssertionError(before)


EXPECTED = (("registrations", "pjsip/provider"), ("contacts", "pjsip/7001"), ("trunks", "pjsip/carrier"))


def ill(box: Box, *words: str) -> Dict[str, str]:
    """Return the evidence of each check that failed."""
    code, report = health(box, "--baseline", BASELINE, *words)
    failed = {
        name: check["evidence"]
        for name, check in report["checks"].items()
        if check["required"] and not check["ok"]
    }
    assert (code, report["healthy"]) == ((1, False) if failed else (0, True))
    return failed


@contextlib.contextmanager
def changed(box: Box, path: str, text: str) -> Iterator[None]:
    """Restart with another file, and go back afterwards."""
    before = box.output("cat", path)
    write(box, path, text)
    restart(box)
    try:
        yield
    finally:
        write(box, path, before + "\n")
        restart(box)
    assert ill(box, "--wait", "20") == {}


@contextlib.contextmanager
def site_check(box: Box, text: str, mode: str = "0755") -> Iterator[None]:
    write(box, f"{SITE}/50-fax", f"#!/bin/sh\n{text}\n", mode)
    try:
        yield
    finally:
        box.run("rm", f"{SITE}/50-fax")


def test_a_healthy_box_is_healthy_and_stays_as_it_was(box: Box) -> None:
    files = box.output("sh", "-c", f"find {CONF} -type f | sort | xargs md5sum")
    code, report = health(box)
    assert (code, report["healthy"]) == (0, True)
    assert list(report["checks"]) == CHECKS
    assert "lab" in report["checks"]["ami"]["evidence"]
    assert "22.10" in report["checks"]["booted"]["evidence"]
    assert ill(box, "--wait", "20") == {}
    assert box.output("asterisk", "-rx", "core show channels concise") == ""
    assert "switchroom-health" not in box.output("asterisk", "-rx", "dialplan show")
    assert box.run("test", "-s", CDR, check=False).returncode != 0
    assert box.output("sh", "-c", f"find {CONF} -type f | sort | xargs md5sum") == files
    assert "lab-secret" not in box.output("sh", "-c", "switchroom health -v 2>&1")


def test_checks_at_the_same_time_do_not_meet(box: Box) -> None:
    box.run(
        "sh",
        "-ec",
        'for n in 1 2 3 4; do switchroom health & pids="$pids $!"; done; for p in $pids; do wait $p; done',
    )
    assert "switchroom-health" not in box.output("asterisk", "-rx", "dialplan show")


def test_a_table_for_people_and_refusal_for_others(box: Box) -> None:
    lines = box.output("switchroom", "health").splitlines()
    assert [line.split()[:2] for line in lines[: len(CHECKS)]] == [["ok", name] for name in CHECKS]
    assert lines[-1].startswith("Healthy: this box has dial tone.")
    nobody = box.run("setpriv", "--reuid=nobody", "--clear-groups", "switchroom", "health", check=False)
    assert nobody.returncode == 3
    assert b"Only root" in nobody.stderr


def test_a_stopped_asterisk_is_named_and_the_rest_not_tried(box: Box) -> None:
    box.run("systemctl", "stop", "asterisk.service")
    try:
        failed = ill(box)
    finally:
        box.run("systemctl", "start", "asterisk.service")
    assert list(failed) == ["process", "booted"]
    assert failed["process"].startswith("asterisk.service is inactive")
    assert ill(box, "--wait", "20") == {}


def test_another_engine_than_the_selected_one_is_named(box: Box) -> None:
    engine = box.output("readlink", "/etc/switchroom/engine")
    box.run("ln", "-sfn", "/usr/lib64/switchroom/engines/1.0.0-1", "/etc/switchroom/engine")
    try:
        _, report = health(box)
    finally:
        box.run("ln", "-sfn", engine, "/etc/switchroom/engine")
    assert not report["checks"]["process"]["ok"]


def test_an_asterisk_that_hangs_is_found_in_time(box: Box) -> None:
    pid = box.output("systemctl", "show", "--property=MainPID", "--value", "asterisk.service")
    box.run("kill", "-STOP", pid)
    try:
        failed = ill(box, "--wait", "1")
    finally:
        box.run("kill", "-CONT", pid)
    assert list(failed) == ["booted"]
    assert "took longer than" in failed["booted"]
    assert ill(box, "--wait", "20") == {}


def test_an_asterisk_without_pjsip_is_named(box: Box) -> None:
    modules = box.output("cat", f"{CONF}/modules.conf")
    with changed(box, f"{CONF}/modules.conf", f"{modules}\nnoload = res_pjsip.so\n"):
        failed = ill(box)
    assert "no SIP transport" in failed["sip"]
    assert {"sip", "registrations", "contacts", "trunks"} == set(failed)


def test_a_lost_registration_is_named_after_the_grace_and_a_late_one_awaited(box: Box) -> None:
    good = PJSIP.format(password="lab-only")
    with changed(box, f"{CONF}/pjsip.conf", PJSIP.format(password="wrong")):
        failed = ill(box, "--wait", "5")
        assert list(failed) == ["registrations"]
        assert (
            "0 of 1 registrations back, threshold 100 %; missing: pjsip/provider" in failed["registrations"]
        )
        later = f"sleep 3; cp /root/good.conf {CONF}/pjsip.conf; asterisk -rx 'core reload'"
        write(box, "/root/good.conf", good)
        box.run("systemd-run", "--quiet", "sh", "-c", later)
        assert ill(box, "--wait", "5") == {}


def test_ami_that_refuses_what_its_file_says_is_named(box: Box) -> None:
    write(box, f"{CONF}/manager.d/lab.conf", MANAGER.replace("lab-secret", "not-reloaded"))
    try:
        failed = ill(box)
    finally:
        write(box, f"{CONF}/manager.d/lab.conf", MANAGER)
    assert list(failed) == ["ami"]
    assert "refused the login of 'lab'" in failed["ami"]


def test_a_sites_own_check_counts(box: Box) -> None:
    with site_check(box, "echo 'the fax line is dead'; exit 1"):
        assert ill(box) == {"site:50-fax": "exit code 1: the fax line is dead"}
    with site_check(box, "sleep 60"):
        assert "took longer than 2 s" in ill(box)["site:50-fax"]
    with site_check(box, "touch /root/ran; exit 1", mode="0777"):
        _, report = health(box)
        assert report["healthy"]
        assert "can be changed by others" in report["checks"]["site:50-fax"]["evidence"]
    assert box.run("test", "-e", "/root/ran", check=False).returncode == 1


def test_the_other_major_is_judged_alike(box: Box, lab_engines: Shelf) -> None:
    """On 16, chan_sip answers too; what the baseline holds of it is not asked of 22."""
    engine = box.output("readlink", "/etc/switchroom/engine")
    other = lab_engines.other_major.series
    box.run("ln", "-sfn", f"/usr/lib64/switchroom/engines/{other.prefix_name}", "/etc/switchroom/engine")
    restart(box)
    try:
        settled(box)
        assert ill(box, "--wait", "20") == {}
        transports = json.loads(box.output("cat", BASELINE))["transports"]
    finally:
        box.run("ln", "-sfn", engine, "/etc/switchroom/engine")
        restart(box)
    assert ill(box, "--wait", "20") == {}
    families = {"pjsip", "sip"} if lab_engines.sixteen else {"pjsip"}
    assert {one["family"] for one in transports} == families
    _, report = health(box, "--baseline", BASELINE)
    said = "no sip in this engine" in report["checks"]["trunks"]["evidence"]
    assert said is bool(lab_engines.sixteen)
