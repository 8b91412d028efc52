"""After a fleet's playbooks: each box has the newer engine, and only the first ever tried the broken one."""

from __future__ import annotations

import json
import os
from typing import Any

from support.calls import call
from support.molecule import box_of

NEWER, BROKEN = (f"{os.environ[name]}-1" for name in ("LAB_NEWER", "LAB_BROKEN"))


def test_each_box_was_moved_and_only_the_first_tried_the_broken_engine(host: Any) -> None:
    first = host.backend.host.endswith("-a")
    status = json.loads(host.check_output("switchroom status --json"))
    assert (status["active"], status["running"], status["transaction"]) == (NEWER, NEWER, None)
    assert status["last"]["outcome"] == ("rolled-back" if first else "kept")
    assert (BROKEN in status["installed"]) == first
    assert len(host.file("/var/lib/switchroom/history").listdir()) == (2 if first else 1)


def test_the_channel_is_the_last_one_that_all_could_have(host: Any) -> None:
    assert "switchroom-testing" in host.check_output("dnf -q repolist --enabled")


def test_a_call_is_answered(host: Any) -> None:
    assert len(call(box_of(host).address).ended) == 1
