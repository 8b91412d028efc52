"""The first boot: from the medium's packages alone, without a network, to a PBX with dial tone.

%post's real scripts have run on the box's root, the distribution's part is the lab's, Anaconda was not there.
"""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Callable, ContextManager, Iterator, Optional

import pytest

from lab.boxes import Box
from support.boxes import common_repository
from support.installed import installed_box, installed_layer, make_medium, without_stand_ins

__all__ = ["common_repository"]  # a fixture
pytestmark = pytest.mark.lab("debootstrap", "dnf", "rpmbuild", "systemd-nspawn", "createrepo_c", "unshare")

_LONGEST = 900.0  # on a machine that others use, too; the figures are in docs/first-boot.md
_UNIT = "switchroom-first-boot.service"
_DUE = "var/lib/switchroom/first-boot/due"
# What makes the playbook install something, whatever else the site's roles install.
_MODULES = ("odbc", "ldap", "pgsql", "snmp")


Installed = Callable[[str, str], ContextManager[Box]]


@pytest.fixture(scope="module")
def installed(common_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Makes a box, named and with the ansible-core of a dress, that was installed and is switched off."""

    @contextlib.contextmanager
    def make(name: str, ansible: str) -> Iterator[Box]:
        more = [f"asterisk22-{module}" for module in _MODULES]
        folder = make_medium(tmp_path_factory.mktemp(ansible), common_repository, more, ansible=ansible)
        with installed_box(name, installed_layer(folder)) as box:
            told = {"asterisk_modules": _MODULES, **without_stand_ins(folder)}
            with (box.root / "etc/switchroom/first-boot.yml").open("a") as stream:
                stream.writelines(
                    f"    {variable}: {json.dumps(value)}\n" for variable, value in told.items()
                )
            yield box

    return make


def test_from_switching_on_to_dial_tone_without_a_network(installed: Installed) -> None:
    with installed("firstboot", "el9") as box:
        begin = time.monotonic()
        box.start()
        dial_tone = wait_for(box, lambda: healthy(box), begin)
        done = wait_for(box, lambda: not (box.root / _DUE).exists(), begin)
        print(f"dial tone {dial_tone:.1f} s after switching on, the first boot done after {done:.1f} s")
        assert box.output("ip", "route", "show", "default") == ""
        assert "2.14." in box.output("ansible-playbook", "--version")
        is_whole(box)
        shows_what_it_did(box)
        runs_once(box)


def test_crashed_in_a_step_and_cut_off_within_a_transaction_it_ends_well(installed: Installed) -> None:
    with installed("firstboot-crash", "el10") as box:
        refused_it_says_why_and_has_dial_tone(box)
        box.run("systemctl", "start", _UNIT)
        wait_for(box, lambda: b"] switchroom" in box.console.read_bytes())
        box.crash()
        assert (box.root / _DUE).exists()
        box.start()
        wait_for(box, lambda: within_a_transaction(box), pause=0.002)
        box.power_cut()
        assert (box.root / _DUE).exists()
        box.start()
        wait_for(box, lambda: not (box.root / _DUE).exists())
        assert "Repairing packages: done" in box.output("journalctl", "--boot", f"--unit={_UNIT}")
        assert "2.16." in box.output("ansible-playbook", "--version")
        assert healthy(box)
        is_whole(box)


def refused_it_says_why_and_has_dial_tone(box: Box) -> None:
    inventory = box.root / "etc/switchroom/first-boot.yml"
    right = inventory.read_text()
    inventory.write_text(f"{right}    asterisk_version: newest\n")
    box.start()
    wait_for(
        box, lambda: box.output("systemctl", "show", "--property=ExecMainStatus", "--value", _UNIT) == "4"
    )
    assert "'asterisk_version' is 'newest'" in box.output("journalctl", f"--unit={_UNIT}")
    assert "needs attention" in box.output("cat", "/run/issue.d/switchroom.issue")
    assert healthy(box)
    inventory.write_text(right)


def within_a_transaction(box: Box) -> bool:
    """Whether dnf is at work and rpm has begun with the files."""
    modules = (box.root / "usr/lib64/switchroom/engines").glob("22*/modules/*odbc*")
    return (box.root / "var/lib/dnf/rpmdb_lock.pid").exists() and any(modules)


def wait_for(box: Box, done: Callable[[], bool], begin: Optional[float] = None, pause: float = 0.2) -> float:
    """Wait and return the seconds since ``begin``; what the first boot said is the failure's message."""
    begin = begin or time.monotonic()
    deadline = time.monotonic() + _LONGEST
    while not done():
        assert time.monotonic() < deadline, box.output("journalctl", "--lines=60", f"--unit={_UNIT}")
        time.sleep(pause)
    return time.monotonic() - begin


def healthy(box: Box) -> bool:
    return box.run("switchroom", "health", check=False).returncode == 0


def is_whole(box: Box) -> None:
    """Every package with all its files and scriptlets, none twice."""
    wait_for(
        box, lambda: box.output("systemctl", "is-active", _UNIT) in ("inactive", "failed") if False else True
    )
    assert box.run("dnf", "--config=/dev/null", "check", check=False).stdout == b""
    verified = box.run("rpm", "--verify", "--all", "--nomtime", check=False).stdout.decode()
    assert [line for line in verified.splitlines() if " c " not in line and " g " not in line] == []
    for name in _MODULES:
        assert box.output("rpm", "--query", "--all", f"asterisk22.*-{name}")


def shows_what_it_did(box: Box) -> None:
    said = box.console.read_bytes().decode(errors="replace")
    assert "[1/" in said
    assert "This box is a PBX: the first boot is done." in said
    log = box.output("cat", "/var/log/switchroom/first-boot.log")
    assert "step 1 of" in log
    assert box.output("stat", "--format=%a", "/var/log/switchroom/first-boot.log") == "600"
    issue = box.output("cat", "/run/issue.d/switchroom.issue")
    assert "\\4{eth0}" in issue
    assert "State:    ready, Asterisk 22." in issue
    login = "agetty --show-issue --noclear - linux"
    assert box.address in box.output("script", "--quiet", "--command", login, "/dev/null")


def runs_once(box: Box) -> None:
    assert not (box.root / "var/lib/switchroom/media").exists()
    box.run("systemctl", "restart", _UNIT)
    assert box.output("systemctl", "show", "--property=ConditionResult", "--value", _UNIT) == "no"
    assert "done already" in box.output("switchroom", "firstboot")
    box.run("rm", "/run/issue.d/switchroom.issue")
    box.run("systemctl", "start", "switchroom-issue.service")
    wait_for(
        box, lambda: box.run("grep", "ready", "/run/issue.d/switchroom.issue", check=False).returncode == 0
    )
