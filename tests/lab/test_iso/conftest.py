"""The fixtures of the image tests: published repositories of small packages, and one built image."""

from __future__ import annotations

import functools
import http.server
import threading
from pathlib import Path
from typing import Dict, Iterator

import pytest

from support import media
from support.media import Medium
from support.small_rpms import Shop, foreign_key, key
from switchroom.build.iso.build import Built
from switchroom.build.iso.closure import Repositories
from switchroom.build.keys import SigningKey

__all__ = ["foreign_key", "key"]


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
    """A repository as EL hosts would build it: series 22 and 23 for EL9 and EL10, series 20 for EL9 alone."""
    folder = tmp_path_factory.mktemp("el-shop")
    shop = Shop(folder / "root", key)
    media.fill(shop, folder / "9", (media.S22, media.S23, media.S20), release="1.el9")
    media.fill(shop, folder / "10", (media.S22, media.S23), release="1.el10", el=10)
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
    """A boot ISO as lorax makes it: it has no packages and no .treeinfo."""
    return media.el_medium(tmp_path_factory.mktemp("boot-base"), Medium(kind="boot"))


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Dict[int, Path]:
    """For each EL major the packages of its distribution, as far as an installation needs them."""
    folder = tmp_path_factory.mktemp("mirrors")
    return {el: media.distribution(folder / f"el{el}", el) for el in (9, 10)}


@pytest.fixture(scope="session")
def mirrors(distributions: Dict[int, Path]) -> Dict[int, Repositories]:
    """For each EL major a repository that installations reach over the network."""
    return {el: Repositories(network={"mirror": place.as_uri()}) for el, place in distributions.items()}


@pytest.fixture(scope="session")
def sources(distributions: Dict[int, Path]) -> Iterator[Dict[int, str]]:
    """For each EL major the address of a mirror that installations from a boot ISO take the system from."""
    folder = distributions[9].parent
    handler = functools.partial(_Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield {
            el: f"http://127.0.0.1:{served.server_port}/{place.name}" for el, place in distributions.items()
        }
        served.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass
