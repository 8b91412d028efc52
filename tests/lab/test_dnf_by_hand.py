"""An admin's own dnf and rpm on the active engine: whatever they try, the box keeps its dial tone."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator

import pytest

from lab.boxes import Box, new_box
from lab.engines.outlet import Outlet
from lab.engines.shelf import Shelf
from lab.layers import appliance_layer
from support.lab_engines import Offer, bind, lab_engines, offering, products

__all__ = ["lab_engines", "offering", "products"]  # fixtures
pytestmark = pytest.mark.lab("systemd-nspawn", "unshare", "ssh", "mkfs.ext4", "ip", "dnf", "rpmbuild")


@pytest.fixture(scope="module")
def outlet(offering: Offer, lab_engines: Shelf) -> Outlet:
    """A repository whose testing channel has the next version of series 22."""
    return offering(lab_engines.current, testing=[lab_engines.newer])


@pytest.fixture(scope="module")
def box(outlet: Outlet) -> Iterator[Box]:
    """A box that runs 22, and has switched to nothing else yet."""
    layer = appliance_layer(outlet.root, ("switchroom", "asterisk22"))
    with new_box("byhand", [layer], bind(outlet)) as booted:
        yield booted


def said(box: Box, *words: str) -> Dict[str, Any]:
    answer: Dict[str, Any] = json.loads(box.output(*words, "--json").splitlines()[-1])
    return answer


def pid(box: Box) -> str:
    return box.output("systemctl", "show", "--property=MainPID", "--value", "asterisk.service")


def selected(box: Box) -> str:
    return box.output("readlink", "/etc/switchroom/engine")


def refused(box: Box, *words: str) -> str:
    result = box.run(*words, check=False)
    assert result.returncode != 0, words
    return (result.stdout + result.stderr).decode()


def has_dial_tone(box: Box) -> bool:
    return box.run("switchroom", "health", "--wait", "30", check=False).returncode == 0


def test_removing_the_active_engine_is_refused_and_nothing_restarts(box: Box, lab_engines: Shelf) -> None:
    series = lab_engines.current.series
    before = pid(box)
    assert "protected" in refused(box, "dnf", "--assumeyes", "remove", series.engine)
    assert "protected" in refused(box, "dnf", "--assumeyes", "remove", series.meta)
    assert "active engine" in refused(box, "rpm", "--erase", "--nodeps", series.engine)
    box.run("dnf", "--assumeyes", "autoremove")
    assert box.output("rpm", "-V", series.engine) == ""
    assert pid(box) == before
    assert has_dial_tone(box)


def test_the_engines_own_guard_holds_where_nothing_else_protects_it(box: Box, lab_engines: Shelf) -> None:
    series = lab_engines.current.series
    box.run("dnf", "--assumeyes", "mark", "install", "asterisk-common")
    refused(box, "dnf", "--assumeyes", "--setopt=protected_packages=", "remove", series.engine)
    assert box.output("rpm", "-V", series.engine) == ""
    box.run("systemctl", "restart", "asterisk.service")
    assert has_dial_tone(box)
    box.run("dnf", "--assumeyes", "install", series.meta)  # dnf had taken what only follows the engine


def test_an_upgrade_leaves_the_running_engine_alone_and_a_switch_protects_both(
    box: Box, lab_engines: Shelf
) -> None:
    old, new = lab_engines.current.series, lab_engines.newer.series
    before = pid(box), selected(box)
    box.run("dnf", "--assumeyes", "--enablerepo=switchroom-testing", "upgrade")
    assert box.output("rpm", "-q", new.engine)
    assert (pid(box), selected(box)) == before
    assert "active engine" in refused(box, "dnf", "--assumeyes", "autoremove")  # no switch has marked it yet
    assert box.output("rpm", "-V", old.engine) == ""
    assert said(box, "switchroom", "switch", new.version, "--now")["outcome"] == "kept"
    box.run("dnf", "--assumeyes", "autoremove")
    for engine in (old.engine, new.engine):
        assert "protected" in refused(box, "dnf", "--assumeyes", "remove", engine)
        assert box.output("rpm", "-V", engine) == ""
    assert said(box, "switchroom", "switch", "--rollback", "--now")["outcome"] == "kept"
    assert has_dial_tone(box)
