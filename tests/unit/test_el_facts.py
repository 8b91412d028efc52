"""Each package, stream, unit and path that a role names is Enterprise Linux's, or told to be unproved."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, Tuple

import pytest
import yaml

from support import el_facts, el_real
from support.el_facts import DATA, MAJORS, Name, listed, proof, strings, unproved, variables

ROOT = el_facts.ROOT
RUNTIMES = ("php", "nodejs", "mariadb")


def known_streams(major: str, kind: str) -> Dict[str, Any]:
    """Return the streams that the gathered data has, by version."""
    streams = json.loads((DATA / "streams.json").read_text())["streams"][major][kind]
    return {stream["stream"]: stream for stream in streams}


def catalog_streams() -> Iterator[Tuple[str, str, Dict[str, Any]]]:
    """Return what the lookup may tell a role: major, kind and stream."""
    catalog = yaml.safe_load((ROOT / "src/switchroom/catalog/data/catalog.yml").read_text())
    for major in MAJORS:
        for kind in RUNTIMES:
            for stream in catalog["el"][major][kind]:
                yield major, kind, stream


def test_the_documentation_lists_what_is_unproved() -> None:
    assert el_facts.written() == el_facts.table(), "run: PYTHONPATH=tests python -m support.el_facts"


def test_something_is_proved_and_something_is_not() -> None:
    assert proof(Name("base", "package", "chrony", "9")) == "packages"
    assert proof(Name("base", "package", "chronny", "9")) is None
    assert proof(Name("php", "path", "/etc/php.d/80-switchroom.ini", "9")) == "php"
    assert proof(Name("php", "path", "/etc/php.d/80-switchroom.ini", "10")) is None
    assert proof(Name("mariadb", "unit", "mariadb.service", "10")) == "el-real"  # labelled by the policy
    assert proof(Name("base", "unit", "crond.service", "10")) == "el-real"  # seen on
    assert proof(Name("base", "unit", "nftables.service", "10")) == "el-real"  # seen off
    assert proof(Name("base", "unit", "cron.service", "10")) is None
    assert proof(Name("base", "path", "/etc/dnf/automatic.conf", "9")) == "el-real"  # in a spec file
    assert proof(Name("any", "path", "/opt/switchroom", "9")) is None
    assert len(unproved()) < len(el_facts.names()) / 2


def test_every_package_is_known_where_lists_are_complete() -> None:
    assert [name for name in unproved() if name.kind == "package"] == []


@pytest.mark.parametrize("major", MAJORS)
def test_the_lists_have_what_real_systems_have(major: str) -> None:
    keys = {"gpg-pubkey"}  # rpm shows imported keys as packages
    assert el_real.packages(major) | el_real.installer(major) <= listed(major) | keys


@pytest.mark.parametrize(("major", "kind", "stream"), list(catalog_streams()))
def test_a_stream_of_the_catalog_is_one_of_enterprise_linux(
    major: str, kind: str, stream: Dict[str, Any]
) -> None:
    known = known_streams(major, kind)[stream["version"]]
    assert known["form"] == stream["form"]
    packages = {
        package
        for name, value in variables(kind, major).items()
        if name == f"__{kind}_packages"
        for package in strings(value)
    }
    if stream["form"] == "module":
        # An announced stream has no list yet; common packages of the distribution stay outside of modules.
        assert not known["packages"] or packages <= set(known["packages"]) | listed(major)
        assert stream["name"] == f"{kind}:{stream['version']}"
    else:
        named = {re.sub(rf"^{kind}(?=-|$)", stream["name"], package) for package in packages}
        assert named <= listed(major)
