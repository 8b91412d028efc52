"""Catalog overlays as somebody writes them for another release of a series."""

from __future__ import annotations

from typing import Any

import yaml


def release(version: str, *, series: str = "22", pjproject: str = "2.17", **more: Any) -> str:
    """Return an overlay that makes a series another release, whose files are at no address."""
    sources = [{"name": f"asterisk-{version}.tar.gz"}, {"name": f"pjproject-{pjproject}.tar.bz2"}]
    entry = {"version": version, "sources": sources, "bundled": {"pjproject": pjproject}, **more}
    return yaml.safe_dump({"series": {series: entry}})
