"""The real dnf with our plugin takes what is meant for this box, now, and says why not the rest."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from support.installroot import Box
from support.small_rpms import EPOCH, QUIET, Shop
from switchroom.box.dnf_child import binding as on_box
from switchroom.build import repo
from switchroom.build.repo import binding
from switchroom.build.workspace import data_path

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign", "dnf")


@pytest.fixture
def box(tmp_path: Path, shop: Shop, small: Path) -> Iterator[Box]:
    """A box on stable, where engine is, and not meta, which is on trial."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    text = (data_path("rpmspecs") / "switchroom/dnf-plugin.py").read_text()
    installed = "/usr/share/switchroom/python/switchroom/box/dnf_child/binding.py"
    assert installed in text
    (plugins / "switchroom.py").write_text(text.replace(installed, str(on_box.__file__)))
    shop.publish(small / "engine-1.0-1.lab.noarch.rpm", small / "meta-1.0-1.lab.noarch.rpm")
    shop.promote("engine")
    made = Box(tmp_path / "box", shop, plugins=str(plugins))
    yield made
    made.stop()


def refused(box: Box, why: str, **options: str) -> subprocess.CompletedProcess[str]:
    done = box.dnf("--refresh", "install", "engine", channel="stable", **options)
    assert done.returncode == 1
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert "engine" not in box.installed()
    return done


def lead(shop: Shop, folder: Path) -> None:
    """Have the mirror list of stable name another folder: what whoever answers in its place can do."""
    repo.open_repo(shop.root, "stable").mirrorlist.write_text(f"{folder.as_uri()}/\n")


def past(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    then = binding.today() - datetime.timedelta(days=days)
    monkeypatch.setattr(binding, "today", lambda: then)


def test_each_channel_is_taken_for_itself_and_installed_from(box: Box) -> None:
    done = box.dnf("install", "engine", channel="stable")
    assert done.returncode == 0, done.stderr
    assert box.dnf("--refresh", "install", "meta").returncode == 0
    assert "meta-1.0-1.lab.noarch" in box.installed()


def test_a_mirror_list_that_leads_to_testing_is_refused(box: Box) -> None:
    lead(box.shop, box.shop.current("testing"))
    done = refused(box, "The metadata of 'switchroom-stable' are those of the channel 'testing'.")
    assert "dnf --disablerepo=switchroom-stable" in done.stderr


def test_a_mirror_list_that_leads_to_an_old_set_is_refused(
    box: Box, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past(monkeypatch, 60)
    box.shop.publish(small)
    box.shop.promote("tool", force="test")
    refused(box, "were good until")
    monkeypatch.undo()
    repo.renew(box.shop.root, key=box.shop.key, epoch=EPOCH, reporter=QUIET)
    assert box.dnf("--refresh", "install", "engine", channel="stable").returncode == 0


def test_a_set_for_another_major_and_one_for_media_are_refused(box: Box, small: Path, tmp_path: Path) -> None:
    box.shop.publish(small, el=10)
    box.shop.promote("engine", el=10)
    current = repo.open_repo(box.shop.root, "stable", 10).current
    assert current
    lead(box.shop, current)
    refused(box, "are for Enterprise Linux 10")
    repo.export_media(box.shop.root, "stable", tmp_path / "m", key=box.shop.key, epoch=EPOCH, el=9)
    lead(box.shop, tmp_path / "m")
    refused(box, "do not say for which channel and until when")
    medium = box.dnf("install", "engine", channel="stable", source=f"baseurl={(tmp_path / 'm').as_uri()}")
    assert medium.returncode == 0, medium.stderr


def test_nothing_stands_in_the_way_of_what_needs_no_repository(box: Box) -> None:
    assert box.dnf("install", "engine", channel="stable").returncode == 0
    lead(box.shop, box.shop.current("testing"))
    gone = box.dnf("--refresh", "remove", "engine", channel="stable")
    assert gone.returncode == 0, gone.stderr
    assert "engine" not in box.installed()
