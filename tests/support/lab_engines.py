"""The lab's engines as fixtures, and repositories that offer those a test names and no others."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Protocol, Sequence

import pytest

from lab.engines.keep import LabEngine
from lab.engines.outlet import Outlet, offer
from lab.engines.shelf import Shelf
from support.outlets import products
from support.packages import Products
from switchroom.build.keys import development_key

__all__ = ["Offer", "lab_engines", "offering", "products"]

ON_BOX = "/srv/repo"


class Offer(Protocol):
    """Publishes engines, with all they share, to a repository of their own."""

    def __call__(self, *stable: LabEngine, testing: Sequence[LabEngine] = (), on_box: bool = True) -> Outlet:
        """Return the repository: for a box that sees its ``root`` at ON_BOX, or for dnf on the host."""


@pytest.fixture(scope="session")
def lab_engines(products: Products) -> Shelf:
    """All engines of the lab; without Asterisk 16 a warning says so, and 99 is the other major."""
    shelf = Shelf(products.packages, products.series)
    if shelf.why_no_16:
        warnings.warn(f"The lab goes on without Asterisk 16. {shelf.why_no_16}", stacklevel=2)
    return shelf


@pytest.fixture(scope="session")
def offering(lab_engines: Shelf, products: Products, tmp_path_factory: pytest.TempPathFactory) -> Offer:
    """Make a repository with the engines given; the same ones give the same repository."""
    made: dict[tuple[str, str, bool], Outlet] = {}

    def publish(*stable: LabEngine, testing: Sequence[LabEngine] = (), on_box: bool = True) -> Outlet:
        wanted = (_names(stable), _names(testing), on_box)
        if wanted not in made:
            root = tmp_path_factory.mktemp("offer") / "repository"
            outlet = Outlet(root, f"file://{ON_BOX if on_box else root}")
            made[wanted] = offer(
                outlet, lab_engines.shared, stable, testing, key=development_key(), epoch=products.epoch
            )
        return made[wanted]

    return publish


def bind(outlet: Outlet) -> dict[Path, str]:
    """Return what ``new_box`` needs as ``binds`` for the box to see the repository."""
    return {outlet.root: ON_BOX}


def _names(engines: Sequence[LabEngine]) -> str:
    return " ".join(engine.series.prefix_name for engine in engines)
