"""Where a box gets the project's packages from: the published repository, and the one inside the ISO."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, Sequence

import pytest

from lab.roots import Repository
from support.packages import Products, built_packages
from switchroom.build import repo
from switchroom.build.iso import xorriso
from switchroom.build.iso.build import Order, build_iso
from switchroom.build.iso.content import KEY, REPOSITORY
from switchroom.build.iso.origin import Origin
from switchroom.build.keys import development_key
from switchroom.build.repo.layout import PUBLIC_KEY
from switchroom.core.progress import Reporter


class Publish(Protocol):
    """Publishes packages to a repository of their own."""

    def __call__(self, root: Path, packages: Sequence[Path]) -> Repository:
        """Return the repository as dnf is to be told of it."""


@pytest.fixture(scope="session")
def products() -> Products:
    """The engines 22 and 99 and all they share, built if the cache lacks them."""
    return built_packages()


@pytest.fixture(scope="session")
def publish(products: Products) -> Publish:
    """Publish to the testing channel, signed by the development key."""

    def to(root: Path, packages: Sequence[Path]) -> Repository:
        repo.publish(
            root, packages, key=development_key(), epoch=products.epoch, reporter=Reporter(quiet=True)
        )
        door = repo.open_repo(root, repo.TESTING).mirrorlist
        return Repository(root.name, f"file://{door}", root / PUBLIC_KEY, mirrorlist=True)

    return to


@pytest.fixture(scope="session")
def published(products: Products, publish: Publish, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The published repository with everything that was built."""
    return publish(tmp_path_factory.mktemp("repository") / "published", products.packages)


@pytest.fixture(scope="session")
def on_medium(
    products: Products, published: Repository, tmp_path_factory: pytest.TempPathFactory
) -> Repository:
    """The repository taken out of an ISO made from the published one."""
    folder = tmp_path_factory.mktemp("medium")
    order = Order(
        base=Origin("lab"),
        out=folder / "lab.iso",
        repo_root=published.key.parent,
        channel=repo.TESTING,
        series=list(products.series.values()),
        key=development_key(),
        epoch=products.epoch,
    )
    image = build_iso(order, Reporter(quiet=True)).image
    xorriso.extract(image, {REPOSITORY: folder / "repo", KEY: folder / "key"})
    return Repository("on-medium", f"file://{folder / 'repo'}", folder / "key")
