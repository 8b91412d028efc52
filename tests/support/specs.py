"""The project's specs as rpm reads them, with the macros a build passes."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Dict, List

from switchroom.build import macros, recipes
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Series, SeriesType
from switchroom.catalog.source import PACKAGED

SPECS = Path(__file__).parents[2] / "rpmspecs"
CATALOG = load_catalog(PACKAGED)
FIXTURE = Series(
    key="99",
    type=SeriesType.FIXTURE,
    version="99.0.0",
    source_version=CATALOG.series["22"].source_version,
    build=1,
    sources=CATALOG.series["22"].sources,
    bundled=CATALOG.series["22"].bundled,
    made_from="22",
)
# Of a series that is out of support the catalog may not know what it was built from.
SERIES: Dict[str, Series] = {
    key: series
    for key, series in {**CATALOG.series, FIXTURE.key: FIXTURE}.items()
    if series.sources and "pjproject" in series.bundled
}
# Any value will do where only the shape is read.
OTHERS: Dict[str, Dict[str, str]] = {
    "asterisk-common": {},
    "asterisk-sounds": dict(recipes.sounds(SPECS, CATALOG.sounds["core-sounds-en-gsm"]).defines),
    "switchroom": {"sw_tool_version": "0.1.0"},
    "switchroom-collection": {"sw_collection_version": "0.1.0"},
    "switchroom-release": {"sw_catalog": "2026.11.22", "sw_repo_url": "https://repo.example"},
}


def engine_defines(series: Series) -> Dict[str, str]:
    """Return the macros the build passes for one engine."""
    return dict(recipes.engine(SPECS, series, CATALOG.part_sources).defines)


def whole(series: Series) -> Series:
    """Return the series with every part that is built only where it is named."""
    return replace(series, parts=("dahdi", "imap", "mp3", "stir-shaken", "xmpp"))


def rpmspec(spec: str, defines: Dict[str, str], *options: str) -> str:
    """Run rpmspec on a spec; its output, free of complaints."""
    argv = ["rpmspec", *(word for path in macros.files(SPECS, el=False) for word in ("--load", str(path)))]
    argv += [*macros.define_options(defines), *options, str(SPECS / f"{spec}.spec")]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def scriptlet(text: str, name: str) -> str:
    """Return the body of one of the main package's scripts in an expanded spec."""
    match = re.search(rf"^%{name}(?: -p <lua>)?\n(.*?)(?=^%[a-z]+\b|\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, f"no %{name}"
    return match[1]


def tags(text: str, tag: str) -> List[str]:
    """Return the values of one tag in an expanded spec, without versions."""
    lines = re.findall(rf"^{tag}(?:\([a-z]+\))?:\s*(\S+)", text, re.MULTILINE)
    return sorted(set(lines))
