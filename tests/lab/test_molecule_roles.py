"""Each molecule scenario's full test, on boxes of the lab: roles by themselves, and the profile freepbx."""

from __future__ import annotations

from typing import Dict

import pytest

from support.molecule import environment, passes

__all__ = ["environment"]
pytestmark = pytest.mark.lab("systemd-nspawn", "debootstrap", "dnf", "rpmbuild", "sipp", "gcc")


@pytest.mark.parametrize("name", ["base", "web", "runtimes", "freepbx"])
def test_a_scenario_passes_and_leaves_no_box(name: str, environment: Dict[str, str]) -> None:
    passes(name, environment)
