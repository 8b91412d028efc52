"""After a switch by playbook and one that rolled back: the newer engine, the site's configuration, calls."""

from __future__ import annotations

import json
import os
from typing import Any

from support.calls import call
from support.molecule import box_of

CURRENT, NEWER = (f"{os.environ[name]}-1" for name in ("LAB_CURRENT", "LAB_NEWER"))
BROKEN = os.environ["LAB_BROKEN"]


def test_the_newer_engine_runs_and_the_broken_one_was_left(host: Any) -> None:
    status = json.loads(host.check_output("switchroom status --json"))
    assert (status["active"], status["running"]) == (NEWER, NEWER)
    assert {CURRENT, NEWER} <= set(status["installed"])
    assert status["last"]["outcome"] == "rolled-back"
    assert status["last"]["target"].startswith(BROKEN)
    assert status["transaction"] is None


def test_module_packages_went_along(host: Any) -> None:
    assert host.package(f"asterisk{NEWER.replace('-', '_')}-odbc").is_installed


def test_the_sites_configuration_stands_and_takes_a_call(host: Any) -> None:
    assert "[lab]" in host.file("/etc/asterisk/extensions.conf").content_string
    assert len(call(box_of(host).address).ended) == 1
