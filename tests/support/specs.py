"""The project's specs as rpm reads them, with the macros a build passes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Dict, List

from switchroom.build import macros
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Series, SeriesType
from switchroom.catalog.source import PACKAGED

SPECS = Path(__file__).parents[2] / "rpmspecs"
CATALOG = load_catalog(PACKAGED)
FIXTURE = Series(
    key="99",
    type=SeriesType.FIXTURE,
    version="99.0.0",
    source_version="22.10.1",
    build=1,
    bundled={"pjproject": "2.17"},
    made_from="22",
)
SERIES: Dict[str, Series] = {**CATALOG.series, FIXTURE.key: FIXTURE}
# Any value will do where only the shape is read.
OTHERS: Dict[str, Dict[str, str]] = {
    "asterisk-common": {},
    "asterisk-sounds": {"sw_core_sounds": "1.6.1", "sw_moh": "2.03"},
    "switchroom": {"sw_tool_version": "0.1.0"},
    "switchroom-release": {"sw_catalog": "2026.11.22", "sw_repo_url": "https://repo.example"},
}


def engine_defines(series: Series) -> Dict[str, str]:
    """Return the macros of one engine, as asterisk.spec names them."""
    defines = {
        "sw_series": series.key,
        "sw_label": series.label,
        "sw_version": series.version,
        "sw_build": str(series.build),
        "sw_engine": series.engine,
        "sw_meta": series.meta,
        "sw_source_version": series.source_version,
        "sw_pjproject": series.bundled.get("pjproject", "0"),
        "sw_enable": " ".join(series.enable),
        "sw_disable": " ".join(series.disable),
    }
    if series.type is SeriesType.FIXTURE:
        defines["sw_fixture"] = "1"
    return {name: value for name, value in defines.items() if value}


def rpmspec(spec: str, defines: Dict[str, str], *options: str) -> str:
    """Run rpmspec on a spec; its output, free of complaints."""
    argv = ["rpmspec", "--load", str(SPECS / macros.REPRODUCIBLE), "--load", str(SPECS / macros.LAB)]
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
