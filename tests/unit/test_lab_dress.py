"""The lab's two dresses are what real systems of their majors say of themselves."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Dict, List, Set

import pytest

from lab.recipe import DRESS, HERE
from lab.rpms.model import published
from support import el_real

MAJORS = ("9", "10")
# Of the lab's own programs, whose Debian packages know no other names.
LAB_USERS, LAB_GROUPS = {"messagebus", "systemd-network"}, {"messagebus", "systemd-network", "shadow"}


def place(major: str, name: str) -> Path:
    """Return the file that a box of a major wears under a name."""
    own = HERE / f"dress-el{major}" / name
    return own if own.exists() else DRESS / name


def lines(major: str, name: str) -> List[str]:
    return place(major, name).read_text().splitlines()


@pytest.mark.parametrize("major", MAJORS)
def test_dnf_is_set_as_there(major: str) -> None:
    parser = configparser.ConfigParser()
    parser.read(place(major, "etc/dnf/dnf.conf"))
    assert dict(parser["main"]) in el_real.systems(major)["dnf.conf"]


@pytest.mark.parametrize("major", MAJORS)
def test_sshd_reads_the_same_files_with_the_same_lines(major: str) -> None:
    told: Dict[str, Dict[str, List[str]]] = el_real.systems(major)["sshd"][0]
    for folder, files in told.items():
        for name, wanted in files.items():
            assert lines(major, f"{folder[1:]}/{name}") == wanted
    worn = {
        path.name
        for home in (DRESS, HERE / f"dress-el{major}")
        for path in (home / "etc/ssh").rglob("*.conf")
    }
    assert worn == set(told["/etc/ssh/sshd_config.d"])


@pytest.mark.parametrize("major", MAJORS)
def test_packages_find_the_units_on_that_are_on_there(major: str) -> None:
    rules = [line.split() for line in lines(major, "usr/lib/systemd/system-preset/90-default.preset")]
    assert {rule[1] for rule in rules if rule[0] == "enable"} == el_real.on(major)
    assert not list(DRESS.parent.glob("rpms/files/*/usr/lib/systemd/system-preset/*"))


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize(
    ("name", "key", "lab"), [("etc/passwd", "passwd", LAB_USERS), ("etc/group", "groups", LAB_GROUPS)]
)
def test_users_and_groups_have_the_numbers_that_they_have_there(
    major: str, name: str, key: str, lab: Set[str]
) -> None:
    own = [line for line in lines(major, name) if line.partition(":")[0] not in lab]
    assert sorted(own) == sorted(el_real.systems(major)[key])


@pytest.mark.parametrize("major", MAJORS)
def test_the_firewall_lets_in_what_it_lets_in_there(major: str) -> None:
    (public,) = (
        source.replace["usr/lib/firewalld/zones/public.xml"]
        for source, _ in published(f"el{major}")
        if "firewalld" in {package.name for package in source.packages}
    )
    debian = {"ssh", "dhcpv6-client"}  # its public.xml
    (added,) = public.values()
    opened = {part.partition('"')[0] for part in added.split('name="')[1:]}
    assert sorted(debian | opened) in [sorted(told) for told in el_real.systems(major)["firewall"]]
