"""The project's packages, built once for all lab tests by the very commands a release engineer types."""

from __future__ import annotations

import contextlib
import functools
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Tuple

from switchroom.build.workspace import source_date_epoch
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Series
from switchroom.cli.main import main

FIXTURE = Path(__file__).parents[2] / "molecule/lab/fixture.yml"
SERIES = ("22", "99")


@dataclass(frozen=True)
class Products:
    """What was built: the RPMs, the series they are of by key, and the date they were built for."""

    packages: Tuple[Path, ...]
    series: Mapping[str, Series]
    epoch: int


@functools.cache
def built_packages() -> Products:
    """Return the engines 22 and 99, made from one source, and all they share; seconds once in the cache."""
    sources = command("build", "sources", "--from", "debian")
    overlays = (Path(sources["overlay"]), FIXTURE)
    options = [word for overlay in overlays for word in ("--overlay", str(overlay))]
    options += [word for key in SERIES for word in ("--series", key)]
    built = command("build", "packages", "--install-dependencies", *options)
    catalog = load_catalog(overlays=overlays)
    packages = tuple(Path(built["out"]) / name for name in built["packages"])
    series = {key: catalog.series[key] for key in SERIES}
    return Products(packages, series, source_date_epoch(catalog.epoch))


def command(*words: str) -> Dict[str, Any]:
    """Run one command of ours and return its JSON; its error is the test's failure."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = main([*words, "--json"])
    assert code == 0, printed.getvalue()
    result: Dict[str, Any] = json.loads(printed.getvalue())
    return result
