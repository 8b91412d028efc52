"""Each molecule scenario's full test, on boxes of the lab: the whole site, and many boxes."""

from __future__ import annotations

from typing import Dict

import pytest

from support.molecule import environment, passes

__all__ = ["environment"]
pytestmark = pytest.mark.lab("systemd-nspawn", "debootstrap", "dnf", "rpmbuild", "sipp", "gcc")


@pytest.mark.parametrize("name", ["default", "switch", "fleet"])
def test_a_scenario_passes_and_leaves_no_box(name: str, environment: Dict[str, str]) -> None:
    passes(name, environment)
