"""The module dnf_stream with real dnf and rpm on a booted box: changed, refused, killed in the middle."""

from __future__ import annotations

import contextlib
import json
import re
import time
from pathlib import Path
from threading import Thread
from typing import Any, Callable, Dict, Iterator, List

import pytest

from lab.access import lab_key
from lab.boxes import Box, new_box
from support import small_streams
from support.collection import collections, run
from support.small_rpms import key
from switchroom.build.keys import SigningKey

__all__ = ["collections", "key"]  # fixtures
pytestmark = pytest.mark.lab("systemd-nspawn", "debootstrap", "dnf", "rpmbuild", "rpmsign")

Ask = Callable[..., Dict[str, Any]]
RECORD = "var/lib/switchroom/streams/php.json"


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Path:
    root = tmp_path_factory.mktemp("streams")
    small_streams.publish(root, key)
    return root


@pytest.fixture
def box(streams: Path) -> Iterator[Box]:
    with new_box("dnf-stream", binds={streams: small_streams.URL}) as box:
        (box.root / "etc/yum.repos.d/small.repo").write_text(small_streams.repositories())
        yield box


@pytest.fixture
def ask(box: Box, collections: Path) -> Ask:
    """Run the module in the box: version, what to change of the arguments, Ansible's own words."""

    def asked(version: str, *words: str, **changed: Any) -> Dict[str, Any]:
        prefix = changed.get("prefix", "php")
        given = {"name": "php", "version": version, "stream": version, **changed}
        given.setdefault("packages", [f"{prefix}-common", f"{prefix}-cli"])
        where = ("-i", f"{box.address},", "-u", "root", "--private-key", str(lab_key()))
        python = ("-e", "ansible_python_interpreter=/usr/bin/python3")
        settings = {
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_HOST_KEY_CHECKING": "false",
            "ANSIBLE_SSH_ARGS": "-o UserKnownHostsFile=/dev/null -o ControlMaster=no",
        }
        what = ("-m", "switchroom.pbx.dnf_stream", "-a", json.dumps(given), *words)
        said = run("ansible", box.address, *where, *python, *what, check=False, **settings)
        verdict = re.search(r"\| (?P<word>[A-Z]+)!? => ", said)
        assert verdict, said
        result: Dict[str, Any] = json.JSONDecoder().raw_decode(said, verdict.end())[0]
        return {**result, "failed": verdict["word"] not in ("SUCCESS", "CHANGED"), "printed": said}

    return asked


def installed(box: Box) -> List[str]:
    listing = box.output("rpm", "-qa", "--qf", "%{NAME}-%{VERSION}\n", "php*")
    return sorted(listing.split())


def enabled(box: Box) -> str:
    state = box.root / "etc/dnf/modules.d/php.module"
    found = re.search(r"^stream=(.*)$", state.read_text(), re.MULTILINE) if state.exists() else None
    return found[1] if found else ""


def whole(box: Box, *packages: str) -> bool:
    """Whether these are installed, no others, all files as in the packages, and nothing is left open."""
    verified = [box.run("rpm", "--verify", name, check=False).returncode == 0 for name in packages]
    dnf_check = box.run("dnf", "check", check=False).returncode == 0
    return (
        installed(box) == sorted(packages)
        and all(verified)
        and dnf_check
        and not (box.root / RECORD).exists()
    )


def test_a_stream_comes_is_changed_only_with_permission_and_goes_back(box: Box, ask: Ask) -> None:
    forecast = ask("8.2", "--check", "--diff")
    assert (forecast["changed"], forecast["moving"], installed(box), enabled(box)) == (True, False, [], "")
    assert "\n+stream php:8.2\n+php-cli-8.2.29-1.lab.noarch\n" in forecast["printed"]

    first = ask("8.2")
    assert (first["changed"], first["before"], enabled(box)) == (True, "", "8.2")
    assert whole(box, "php-common-8.2.29", "php-cli-8.2.29")
    for words in ([], ["--check"]):
        again = ask("8.2", *words)
        assert (again["changed"], again["before"], again["installed"]) == (False, "8.2.29", [])

    box.run("dnf", "-y", "install", "php-extra", "site-any")
    refused = ask("8.4")
    assert refused["failed"]
    assert "php 8.4 cannot be had: 8.2.29 is installed, and 'allow_change'" in refused["msg"]
    foreseen = ask("8.4", "--check", allow_change=True)
    assert (foreseen["moving"], foreseen["needed_by"], enabled(box)) == (True, ["site-any"], "8.2")
    assert foreseen["download_bytes"] > 0

    there = ask("8.4", allow_change=True)
    assert [name for name in there["installed"] if "extra" in name] == ["php-extra-8.4.5-1.lab.noarch"]
    assert whole(box, "php-common-8.4.5", "php-cli-8.4.5", "php-extra-8.4.5")
    assert ask("8.4", allow_change=True)["changed"] is False

    back = ask("8.2", allow_change=True)
    assert (back["before"], back["stream"], enabled(box)) == ("8.4.5", "8.4", "8.2")
    assert whole(box, "php-common-8.2.29", "php-cli-8.2.29", "php-extra-8.2.29")


def test_ordinary_packages_and_packages_of_another_name(box: Box, ask: Ask) -> None:
    ask("8.0", stream="", packages=["php-common", "php-cli", "php-gone"])
    assert whole(box, "php-common-8.0.30", "php-cli-8.0.30", "php-gone-8.0.30")
    # What the new version has not goes with the old one, and that is told.
    to_stream = ask("8.2", allow_change=True)
    assert to_stream["removed"] == ["php-gone-8.0.30-1.lab.noarch"]
    assert whole(box, "php-common-8.2.29", "php-cli-8.2.29")
    # The ordinary ones again: a downgrade, no stream.
    ask("8.0", stream="", allow_change=True)
    assert (enabled(box), whole(box, "php-common-8.0.30", "php-cli-8.0.30")) == ("", True)

    box.run("dnf", "-y", "install", "site-any")
    # As on EL10: modules do not count.
    options = {"stream": None, "prefix": "php8.5", "packages": ["php8.5-common"], "allow_change": True}
    named = {name: value for name, value in options.items() if value is not None}
    other = ask("8.5", **{**named, "stream": ""})
    assert other["moving"]
    assert sorted(other["removed"]) == ["php-cli-8.0.30-1.lab.noarch", "php-common-8.0.30-1.lab.noarch"]
    assert whole(box, "php8.5-common-8.5.1", "php8.5-cli-8.5.1")
    ask("8.0", stream="", allow_change=True)
    assert whole(box, "php-common-8.0.30", "php-cli-8.0.30")


def test_what_cannot_be_is_refused_and_changes_nothing(box: Box, ask: Ask) -> None:
    ask("8.2")
    unsigned = ask("8.6", allow_change=True)
    box.run("dnf", "-y", "install", "site-strict")
    before = installed(box)
    wrong = {
        "The signature of the package 'php-c": unsigned,
        "site-strict-1-1.lab.noarch would have to go": ask("8.4", allow_change=True),
        "php 8.9 cannot be had: ": ask("8.9", allow_change=True),
        "have 'php-common' 8.0.30 only": ask("8.1", stream="", allow_change=True),
        "nosuch": ask("8.2", packages=["php-common", "nosuch"]),
    }
    for words, result in wrong.items():
        assert result["failed"], words
        assert words in result["msg"]
    assert (installed(box), enabled(box)) == (before, "8.2")
    assert not (box.root / RECORD).exists()


@pytest.mark.parametrize("end", ["kill", "power cut"])
def test_a_change_that_was_cut_in_the_middle_is_completed_by_the_next_run(
    box: Box, ask: Ask, end: str
) -> None:
    ask("8.2")
    _cut(box, ask, end, "8.4")
    assert (box.root / RECORD).exists()
    foreseen = ask("8.4", "--check")
    assert not foreseen["failed"], foreseen["msg"]
    assert (foreseen["changed"], foreseen["cut"]) == (True, True)
    completed = ask("8.4")
    assert not completed["failed"], completed["msg"]
    assert (completed["changed"], completed["cut"]) == (True, True)
    assert whole(box, "php-common-8.4.5", "php-cli-8.4.5")
    assert {"php-common-8.4.5", "php-cli-8.4.5"} <= set(
        (box.root / small_streams.LOG[1:]).read_text().split()
    )
    assert ask("8.4")["changed"] is False


def test_going_back_from_a_change_cut_in_the_middle_leaves_nothing_of_it(box: Box, ask: Ask) -> None:
    ask("8.2")
    _cut(box, ask, "kill", "8.4")
    back = ask("8.2", allow_change=True)
    assert not back["failed"], back["msg"]
    assert whole(box, "php-common-8.2.29", "php-cli-8.2.29")
    for part in ("common", "cli"):
        assert (box.root / "usr/share/small" / part).read_text() == "8.2.29\n"


def _cut(box: Box, ask: Ask, end: str, version: str) -> None:
    """Begin a change and end it by force inside its first scriptlet."""
    box.run("touch", "/run/slow")
    runner = Thread(target=_interrupted, args=(ask, version), daemon=True)
    runner.start()
    deadline = time.monotonic() + 30
    while box.run("test", "-e", "/run/inside", check=False).returncode != 0:
        assert time.monotonic() < deadline, "the scriptlet did not start"
        time.sleep(0.1)
    if end == "kill":
        box.run("pkill", "-KILL", "-f", "AnsiballZ|dnf_stream_driver|sleep 60", check=False)
    else:
        box.power_cut()
        box.start()
        box.wait_booted()
    runner.join(30)
    box.run("rm", "-f", "/run/slow", "/run/inside")


def _interrupted(ask: Ask, version: str) -> None:
    with contextlib.suppress(AssertionError):  # it has nothing to say
        ask(version, allow_change=True)
