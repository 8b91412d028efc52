"""Loading the catalog: files, overlays, schema, semantic checks, then the typed model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

from switchroom.catalog import checks, convert, schema, sounds, source
from switchroom.catalog.model import Catalog

_INHERITED = ("source_version", "sources", "bundled", "enable", "disable", "module_set", "parts", "evidence")


def load_catalog(path: Optional[Path] = None, overlays: Sequence[Path] = ()) -> Catalog:
    """Return the catalog with overlays deep-merged over it, in order.

    ``path`` overrides the search for the catalog ($SWITCHROOM_CATALOG, the RPM's file, the packaged one).
    Raises a usage error naming the file and the place for whatever is wrong in the data.
    """
    documents = source.read_documents(path, overlays)
    merged = source.merge(documents)
    schema.validate(merged, documents)
    catalog = convert.to_dataclass(Catalog, _completed(merged, documents))
    checks.check(catalog, documents)
    return catalog


def _completed(data: Dict[str, Any], documents: Sequence[source.Document]) -> Dict[str, Any]:
    """Return the data with keys written into their entries, defaults set and fixtures filled in."""
    entries = data["series"]
    ordered = sorted(entries.items(), key=_order)
    series = {key: _signed(_series(key, entries, documents)) for key, _ in ordered}
    return {
        **data,
        "series": series,
        "sounds": sounds.expanded(data["sounds"]),
        "freepbx": {key: {"key": key, **entry} for key, entry in data["freepbx"].items()},
        "el": {key: _el(key, entry) for key, entry in data["el"].items()},
    }


def _series(key: str, entries: Dict[str, Any], documents: Sequence[source.Document]) -> Dict[str, Any]:
    entry = entries[key]
    if entry["type"] != "Fixture":
        return {"key": key, "source_version": entry["version"], **entry}
    checks.require_base(key, entry["made_from"], entries, documents)
    base = _series(entry["made_from"], entries, documents)
    return {"key": key, **{name: base[name] for name in _INHERITED if name in base}, **entry}


def _signed(entry: Dict[str, Any]) -> Dict[str, Any]:
    """Return a series with its tarball of Asterisk marked as signed, unless somebody else made it."""
    sources = [
        {**source, "signed": source["name"].startswith("asterisk-") and not source.get("origin")}
        for source in entry["sources"]
    ]
    return {**entry, "sources": sources}


def _el(key: str, entry: Dict[str, Any]) -> Dict[str, Any]:
    distributions = {name: {"key": name, **data} for name, data in entry["distributions"].items()}
    return {"key": key, **entry, "distributions": distributions}


def _order(item: Tuple[str, Dict[str, Any]]) -> Tuple[bool, bool, Tuple[int, ...]]:
    """Sort numbered series by number, then certified branches, then fixtures."""
    key, entry = item
    prefix, _, branch = key.rpartition("-")
    return entry["type"] == "Fixture", bool(prefix), tuple(int(part) for part in branch.split("."))
