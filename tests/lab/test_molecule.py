"""Each molecule scenario's full test, on boxes of the lab."""

from __future__ import annotations

from typing import Dict

import pytest

from lab import registry
from support.molecule import prepare, scenario

pytestmark = pytest.mark.lab("systemd-nspawn", "debootstrap", "dnf", "rpmbuild", "sipp", "gcc")

SCENARIOS = ("default", "switch", "fleet")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    return prepare(tmp_path_factory.mktemp("molecule"))


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_passes_and_leaves_no_box(name: str, environment: Dict[str, str]) -> None:
    done = scenario(name, environment)
    assert done.returncode == 0, done.stdout[-12000:]
    assert not [record for record in registry.records() if record.name.startswith(f"molecule-{name}")]
