"""The fixtures of the image tests: published repositories of small packages, and one built image."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import pytest

from support import media
from support.media import Medium
from support.small_rpms import Shop, key
from switchroom.build.iso.build import Built
from switchroom.build.iso.closure import Repositories
from switchroom.build.keys import SigningKey

__all__ = ["key"]


@pytest.fixture(scope="session")
def lab_shop(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Shop:
    """A repository with the packages of series 22 and of the fixture, built on this host (.lab)."""
    folder = tmp_path_factory.mktemp("lab-shop")
    shop = Shop(folder / "root", key)
    for el in (9, 10):
        media.fill(shop, folder, (media.S22, media.FIXTURE), el=el)
    return shop


@pytest.fixture(scope="session")
def el_shop(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Shop:
    """A repository as EL hosts would build it: series 22 for EL9 and EL10, series 20 for EL9 alone."""
    folder = tmp_path_factory.mktemp("el-shop")
    shop = Shop(folder / "root", key)
    media.fill(shop, folder / "9", (media.S22, media.S20), release="1.el9")
    media.fill(shop, folder / "10", (media.S22,), release="1.el10", el=10)
    return shop


@pytest.fixture(scope="session")
def lab_image(tmp_path_factory: pytest.TempPathFactory, lab_shop: Shop) -> Built:
    """An image on the lab's base."""
    return media.make(lab_shop, tmp_path_factory.mktemp("lab-image") / "lab.iso")


@pytest.fixture(scope="session")
def lab10_image(tmp_path_factory: pytest.TempPathFactory, lab_shop: Shop) -> Built:
    """An image with EL10's layout, whose EFI system partition is a partition and a file."""
    return media.make(lab_shop, tmp_path_factory.mktemp("lab10-image") / "lab10.iso", base="lab10")


@pytest.fixture(scope="session")
def el_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up EL medium with all that an installation needs."""
    return media.el_medium(tmp_path_factory.mktemp("el-base"))


@pytest.fixture(scope="session")
def boot_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up boot medium: it has no packages."""
    return media.el_medium(tmp_path_factory.mktemp("boot-base"), Medium(without=("BaseOS",)))


@pytest.fixture(scope="session")
def mirrors(tmp_path_factory: pytest.TempPathFactory) -> Dict[int, Repositories]:
    """For each EL major a repository that installations from a boot medium reach over the network."""
    folder = tmp_path_factory.mktemp("mirrors")
    places = {el: media.distribution(folder / f"el{el}", el) for el in (9, 10)}
    return {el: Repositories(network={"mirror": place.as_uri()}) for el, place in places.items()}
