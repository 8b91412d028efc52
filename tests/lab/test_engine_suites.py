"""The engine compiled as on Enterprise Linux 10: by gcc 14 with EL10's flags, in a root of Debian."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Set

import pytest

from lab.roots import scratch_root
from lab.suite_engine import compile_engine, install_compiler
from lab.suites import Suite, ensure_root, suites
from support.packages import command
from switchroom.build import recipes
from switchroom.build.lookaside import Lookaside
from switchroom.build.recipe import Recipe, read
from switchroom.build.workspace import data_path, source_date_epoch
from switchroom.catalog.load import load_catalog
from switchroom.core.process import output
from switchroom.core.progress import Reporter

pytestmark = [pytest.mark.lab("debootstrap", "rpm", "rpmspec", "unshare"), pytest.mark.campaign]

EL10 = Path(__file__).parents[1] / "data/el/macros.el10"
SERIES = "22"


@pytest.mark.parametrize("suite", [each for each in suites() if each.gcc], ids=lambda suite: suite.name)
def test_the_engine_compiles(suite: Suite) -> None:
    overlay = Path(command("build", "sources", "--from", "debian")["overlay"])
    catalog = load_catalog(overlays=[overlay])
    recipe = recipes.engine(data_path("rpmspecs"), catalog.series[SERIES], catalog.part_sources)
    inputs = read(recipe, Lookaside(overlay.parent, Reporter()))
    with scratch_root(ensure_root(suite)) as root:
        assert install_compiler(root, suite, inputs).partition(".")[0] == suite.gcc
        epoch, jobs = source_date_epoch(catalog.epoch), os.cpu_count() or 1
        made = compile_engine(root, EL10, inputs, epoch, jobs)
        names = {output(["rpm", "-qp", "--nosignature", "--queryformat", "%{NAME}", path]) for path in made}
    assert {name for name in names if "-debug" not in name} == expected(recipe)
    assert f"{recipe.name}-debuginfo" in names, "the sources were not found by these flags"


def expected(recipe: Recipe) -> Set[str]:
    """The engine's packages; that each module is in them is asked by the spec."""
    parts = ["", *(f"-{part}" for part in recipe.defines["sw_parts"].split())]
    return {f"{name}{part}" for name in (recipe.name, recipe.defines["sw_meta"]) for part in parts}
