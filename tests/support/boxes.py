"""Booted boxes with the project's packages: what most lab tests of the box tool start from."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import ContextManager, Iterator, Protocol, Sequence

import pytest

from lab.boxes import Box, new_box
from lab.layers import REPOSITORY_URL, appliance_layer, repository_bind
from support.packages import built_packages
from switchroom.build import repo
from switchroom.build.keys import development_key
from switchroom.core.progress import Reporter

APPLIANCE = ("switchroom", "asterisk22")


class NewAppliance(Protocol):
    """Boots appliances; each is gone when its ``with`` block ends."""

    def __call__(self, name: str, packages: Sequence[str] = APPLIANCE) -> ContextManager[Box]:
        """Give a box with ``packages`` installed, in this order, and the lab's repository in view."""


def publish_for_boxes(root: Path, packages: Sequence[Path], *, stable: bool = True) -> None:
    """Publish more packages in the repository ``root`` for boxes: to testing and, if ``stable``, to stable.

    Boxes that have the repository in view see them at their next look at the mirror list.
    """
    epoch, key, quiet = built_packages().epoch, development_key(), Reporter(quiet=True)
    repo.publish(root, packages, key=key, epoch=epoch, reporter=quiet, url=REPOSITORY_URL)
    if stable:
        repo.promote(root, None, key=key, epoch=epoch, reporter=quiet)
    repo.renew(root, key=key, epoch=epoch, reporter=quiet)  # one that is kept for weeks


@pytest.fixture(scope="session")
def common_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with all the project's packages in both channels; nobody publishes to it."""
    root = tmp_path_factory.mktemp("boxes") / "repository"
    publish_for_boxes(root, built_packages().packages)
    return root


@pytest.fixture
def lab_repository(common_repository: Path, tmp_path: Path) -> Path:
    """A repository of the test's own, with all the project's packages: publish to it as you like."""
    # Published files never change in place: a link is as good as a copy.
    return Path(
        shutil.copytree(common_repository, tmp_path / "repository", symlinks=True, copy_function=os.link)
    )


@pytest.fixture
def new_appliance(lab_repository: Path, common_repository: Path) -> NewAppliance:
    """Boots boxes that have ``lab_repository`` in view."""

    @contextlib.contextmanager
    def boot(name: str, packages: Sequence[str] = APPLIANCE) -> Iterator[Box]:
        layer = appliance_layer(common_repository, packages)
        with new_box(name, [layer], repository_bind(lab_repository)) as box:
            yield box

    return boot


@pytest.fixture
def appliance(new_appliance: NewAppliance) -> Iterator[Box]:
    """A booted box with the tool and Asterisk 22."""
    with new_appliance("appliance") as box:
        yield box


@pytest.fixture
def box(lab_repository: Path) -> Iterator[Box]:
    """A booted bare box: the lab base, with the repository in view but unknown to dnf."""
    with new_box("bare", binds=repository_bind(lab_repository)) as bare:
        yield bare
