"""The roles php, nodejs and mariadb: every version's names on Enterprise Linux; what dnf_stream knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
import yaml

from switchroom.box.dnf_child.runtime import Names, Record, belongs_to, enabled_stream
from switchroom.catalog.load import load_catalog

ROOT = Path(__file__).parents[2]
RUNTIMES = ("php", "nodejs", "mariadb")


def variables(role: str, major: str) -> Dict[str, Any]:
    loaded: Dict[str, Any] = yaml.safe_load((ROOT / f"roles/{role}/vars/el{major}.yml").read_text())
    return loaded


def parts(role: str, major: str) -> List[str]:
    """Return what a role asks for by default, named as the ordinary packages."""
    own: List[str] = variables(role, major)[f"__{role}_packages"]
    if role != "php":
        return own
    defaults = yaml.safe_load((ROOT / "roles/php/defaults/main.yml").read_text())
    return own + [f"php-{extension}" for extension in defaults["php_extensions"]]


def listed(major: str) -> set[str]:
    lines = (ROOT / f"tests/data/el/el{major}.tsv").read_text().splitlines()
    return {line.split("\t")[0] for line in lines if not line.startswith("#")}


@pytest.mark.parametrize("major", ["9", "10"])
@pytest.mark.parametrize("role", RUNTIMES)
def test_every_version_of_the_catalog_has_its_packages_by_these_names(role: str, major: str) -> None:
    for runtime in load_catalog().el[major].runtimes[role]:
        prefix = role if runtime.form == "module" else runtime.name
        others = variables(role, major).get(f"__{role}_packages_others", [])
        names = Names(role, prefix, others)
        assert {names.counterpart(part) for part in parts(role, major)} - listed(major) == set()


@pytest.mark.parametrize(
    ("name", "prefix", "package", "expected"),
    [
        ("php", "php8.4", "php-cli", (True, "php8.4-cli")),
        ("php", "php", "php8.4-cli", (True, "php-cli")),
        ("php", "php8.4", "php", (True, "php8.4")),
        ("nodejs", "nodejs24", "nodejs22-npm", (True, "nodejs24-npm")),
        ("nodejs", "nodejs24", "npm", (True, "npm")),
        ("php", "php8.4", "phpmyadmin", (False, "phpmyadmin")),
        ("mariadb", "mariadb11.8", "mariadb10.11-server-utils", (True, "mariadb11.8-server-utils")),
    ],
)
def test_parts_of_a_runtime_are_known_under_each_versions_name(
    name: str, prefix: str, package: str, expected: Tuple[bool, str]
) -> None:
    names = Names(name, prefix, ["npm"])
    assert (names.belongs(package), names.counterpart(package)) == expected


def test_a_version_is_one_of_its_stream_only() -> None:
    assert belongs_to("8.2.30", "8.2")
    assert belongs_to("8.2", "8.2")
    assert not belongs_to("8.20.1", "8.2")
    assert not belongs_to("", "8.2")


def test_the_enabled_stream_is_read_as_dnf_writes_it(tmp_path: Path) -> None:
    state = tmp_path / "php.module"
    assert enabled_stream("php", str(tmp_path)) == ""
    state.write_text("[php]\nname=php\nstream=8.2\nprofiles=common\nstate=enabled\n")
    assert enabled_stream("php", str(tmp_path)) == "8.2"
    state.write_text("[php]\nname=php\nstream=\nprofiles=\nstate=\n")
    assert enabled_stream("php", str(tmp_path)) == ""


def test_a_change_is_on_record_until_it_is_done_and_a_torn_record_still_counts(tmp_path: Path) -> None:
    record = Record("php", str(tmp_path / "streams"))
    assert record.read() is None
    record.write({"php-cli", "php-common"})
    assert record.read() == ["php-cli", "php-common"]
    (tmp_path / "streams/php.json").write_text('{"packages": ["ph')
    assert record.read() == []
    record.remove()
    record.remove()
    assert record.read() is None
