"""What keeps a switch from beginning: each is refused with the reason, and the box is as it was."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple

import pytest

from lab.boxes import Box, new_box
from lab.engines import bad
from lab.engines.shelf import Shelf
from lab.layers import appliance_layer, repository_bind
from support.boxes import APPLIANCE, common_repository, publish_for_boxes
from support.lab_engines import lab_engines, products
from support.packages import built_packages
from support.small_rpms import foreign_key
from support.tampered import exchange, generation
from switchroom.build.keys import SigningKey, development_key

__all__ = ["common_repository", "foreign_key", "lab_engines", "products"]  # fixtures
pytestmark = pytest.mark.lab("systemd-nspawn", "debootstrap", "dnf", "rpmbuild", "rpmsign")

HOLD_LOCK = """
import dnf, dnf.lock, time
base = dnf.Base()
with dnf.lock.build_rpmdb_lock(base.conf.persistdir, True):
    open("/run/held", "w").close()
    time.sleep(300)
"""


@pytest.fixture(scope="module")
def repository(common_repository: Path, lab_engines: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that has the next version of series 22, too."""
    root = tmp_path_factory.mktemp("refused") / "repository"
    shutil.copytree(common_repository, root, symlinks=True, copy_function=os.link)
    publish_for_boxes(root, [*lab_engines.newer.packages, *lab_engines.other_major.packages])
    return root


@pytest.fixture(scope="module")
def box(common_repository: Path, repository: Path) -> Iterator[Box]:
    layer = appliance_layer(common_repository, APPLIANCE)
    with new_box("refused", [layer], repository_bind(repository), disk_bytes=2 << 30) as made:
        yield made


def world(box: Box) -> Tuple[str, ...]:
    """All that a refused switch must leave alone."""
    return (
        box.output("rpm", "--query", "--all", "--last"),
        box.output("readlink", "/etc/switchroom/engine"),
        box.output("systemctl", "show", "--property=MainPID", "--value", "asterisk.service"),
        box.run("find", "/var/lib/switchroom", "-mindepth", "1", check=False).stdout.decode(),
    )


def refused(box: Box, *words: str) -> Dict[str, Any]:
    """Try to switch and return the error; nothing has changed."""
    before = world(box)
    result = box.run(*words, "--json", check=False)
    assert world(box) == before
    error: Dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    assert (error["event"], error["exit_code"]) == ("error", result.returncode)
    return error


def switch(*words: str) -> Tuple[str, ...]:
    return ("asterisk-version-switch", *words, "--now")


def test_no_such_version(box: Box, lab_engines: Shelf) -> None:
    error = refused(box, *switch("22.99.0"))
    assert error["exit_code"] == 2
    assert "22.99.0" in error["error"]
    assert lab_engines.newer.series.version in error["cause"] + error["hint"]


def test_a_version_past_its_end_of_life_unless_it_is_acknowledged(box: Box, lab_engines: Shelf) -> None:
    if lab_engines.sixteen is None:
        pytest.skip(lab_engines.why_no_16)
    error = refused(box, *switch("16"))
    assert error["exit_code"] == 3
    assert "end-of-life:16" in error["cause"]
    assert "--acknowledge end-of-life:16" in error["hint"]


def test_not_root(box: Box) -> None:
    error = refused(box, "setpriv", "--reuid=nobody", "--clear-groups", *switch("22"))
    assert error["exit_code"] == 3
    assert "root" in error["error"]


@contextlib.contextmanager
def moved_away(path: Path) -> Iterator[None]:
    aside = path.with_name(f"{path.name}.away")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


def test_a_missing_repository(box: Box, repository: Path) -> None:
    with moved_away(repository / "stable"):
        error = refused(box, *switch("22"))
    assert error["exit_code"] == 3
    assert "switchroom-stable" in error["error"] + error["cause"]


def test_no_space(box: Box) -> None:
    box.run("sh", "-c", "fallocate -l $(($(df --output=avail -k / | tail -1) - 102400))K /var/tmp/filler")
    try:
        error = refused(box, *switch("22"))
    finally:
        box.run("rm", "/var/tmp/filler")
    assert error["exit_code"] == 3
    assert "disk:" in error["cause"]


def test_somebody_else_works_on_packages(box: Box) -> None:
    box.run("systemd-run", "--quiet", "--unit=holder", "/usr/libexec/platform-python", "-c", HOLD_LOCK)
    box.run("sh", "-c", "until [ -e /run/held ]; do sleep 0.1; done")
    try:
        error = refused(box, *switch("22"))
    finally:
        box.run("systemctl", "stop", "holder.service")
    assert error["exit_code"] == 3
    assert "package" in error["error"] + error["cause"]


@pytest.fixture
def rpm(repository: Path, lab_engines: Shelf) -> Path:
    """The engine's package that the next version of series 22 is made of."""
    engine = lab_engines.newer.series
    return next((generation(repository) / "packages").glob(f"{engine.engine}-{engine.version}-*"))


@pytest.mark.parametrize("stranger", [False, True], ids=["unsigned", "signed-by-a-stranger"])
def test_a_package_that_cannot_be_trusted(
    box: Box, rpm: Path, foreign_key: SigningKey, tmp_path: Path, stranger: bool
) -> None:
    epoch = built_packages().epoch
    made = bad.signed_by(rpm, tmp_path, foreign_key, epoch) if stranger else bad.unsigned(rpm, tmp_path)
    exchange(rpm.parents[1], made, development_key(), epoch)
    error = refused(box, *switch("22"))
    assert error["exit_code"] == 3
    assert rpm.name[: -len(".rpm")] in error["error"]
