"""inventory.example with only addresses changed: an EL9 and an EL10 box, packages over HTTPS by an own CA."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional

import pytest

from lab.access import lab_key
from lab.boxes import Box, new_box
from support import collection, pbx
from support.calls import call
from support.collection import collections
from support.https_server import Server, serving
from support.packages import built_packages
from switchroom.build import repo
from switchroom.build.keys import development_key
from switchroom.build.repo.layout import MAJORS, PUBLIC_KEY
from switchroom.core.progress import Reporter

__all__ = ["collections"]  # a fixture

pytestmark = pytest.mark.lab("systemd-nspawn", "debootstrap", "dnf", "rpmbuild", "sipp", "openssl")


class Site(NamedTuple):
    """Two bare boxes, and what serves their packages."""

    boxes: List[Box]
    server: Server
    inventory: Path
    collections: Path

    def play(self, *words: str, trusted: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the site's playbook; the controller trusts the server's certificate or does not."""
        settings = {
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_PRIVATE_KEY_FILE": str(lab_key()),
            "ANSIBLE_HOST_KEY_CHECKING": "false",
            "ANSIBLE_NOCOLOR": "1",
            **({"ANSIBLE_LOOKUP_URL_CA_PATH": str(self.server.authority)} if trusted else {}),
        }
        return subprocess.run(
            [str(collection.BIN / "ansible-playbook"), "-i", self.inventory, "switchroom.pbx.site", *words],
            env={**os.environ, **settings},
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root, keys = tmp_path_factory.mktemp("packages"), tmp_path_factory.mktemp("keys")
    products, key, quiet = built_packages(), development_key(), Reporter(quiet=True)
    with serving(root, keys) as here:
        for el in MAJORS:
            about = {"key": key, "epoch": products.epoch, "reporter": quiet, "el": el}
            repo.publish(root, products.packages, url=here.url, **about)
            repo.promote(root, None, **about)
        yield here


@pytest.fixture(scope="module")
def site(server: Server, collections: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    inventory = tmp_path_factory.mktemp("site") / "inventory.yml"
    with new_box("inventory-el9", dress="el9") as nine, new_box("inventory-el10", dress="el10") as ten:
        inventory.write_text(example(server, [nine.address, ten.address]))
        yield Site([nine, ten], server, inventory, collections)


def example(server: Server, addresses: List[str]) -> str:
    """Return inventory.example with addresses, URL, key and fingerprint put in, and nothing else changed."""
    text = (collection.ROOT / "inventory.example").read_text()
    changes = {
        "https://packages.example.org/RPM-GPG-KEY-switchroom": f"{server.url}/{PUBLIC_KEY}",
        "https://packages.example.org": server.url,
        "0" * 40: development_key().fingerprint,
        "192.0.2.11": addresses[0],
        "192.0.2.12": addresses[1],
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def recap(said: str) -> List[Optional[int]]:
    """Return how many tasks changed something, of each box."""
    return [
        int(changed) for changed in re.findall(r"^pbx\d.* changed=(\d+) .* failed=0 ", said, re.MULTILINE)
    ]


def trust(box: Box, authority: Path) -> None:
    """Have a box trust the site's CA; the lab base is Debian's in that."""
    box.copy_in(authority, "/usr/local/share/ca-certificates/site.crt")
    box.run("update-ca-certificates")


def ours(box: Box) -> List[str]:
    """Return what of the project's is on a box."""
    return box.output("find", "/etc", "-name", "*switchroom*").split()


def test_a_site_with_its_own_ca(site: Site) -> None:
    untrusted = site.play()
    assert untrusted.returncode != 0
    assert "'repositories_url' is" in untrusted.stdout
    for box in site.boxes:
        trust(box, site.server.authority)
    stranger = site.play(trusted=False)
    assert stranger.returncode != 0
    assert "'repositories_key' is" in stranger.stdout
    assert [ours(box) for box in site.boxes] == [[], []]

    checked = site.play("--check", "--diff")
    assert checked.returncode == 0, checked.stdout[-4000:]
    assert all(recap(checked.stdout)), checked.stdout[-400:]
    assert [ours(box) for box in site.boxes] == [[], []]

    converged = site.play()
    assert converged.returncode == 0, converged.stdout[-4000:]
    again = site.play()
    assert recap(again.stdout) == [0, 0], again.stdout[-4000:]


def test_packages_came_over_https_and_epel_and_crb_are_on(site: Site) -> None:
    for box, el in zip(site.boxes, MAJORS):
        enabled = box.output("dnf", "-q", "repolist", "--enabled").split()
        assert {"switchroom-stable", "epel", "crb"} <= set(enabled)
        pointed = box.output("cat", "/etc/yum.repos.d/switchroom.repo")
        place = f"el{el}/$basearch/mirrorlist"
        assert f"mirrorlist={site.server.url}/stable/{place}" in pointed
        beside = box.output("cat", "/etc/yum.repos.d/switchroom-debuginfo.repo").splitlines()
        assert [line for line in beside if line.startswith("mirrorlist=")] == [
            f"mirrorlist={site.server.url}/{channel}/{place}-debuginfo" for channel in ("stable", "testing")
        ]


def test_both_majors_answer_a_call(site: Site) -> None:
    for box in site.boxes:
        pbx.apply(box.root)
        box.run("systemctl", "restart", "asterisk")
        assert len(call(box.address).ended) == 1
