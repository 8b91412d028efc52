"""The packaged data file: every fact has its source, and the schema says what it should."""

from __future__ import annotations

import json
import re
from typing import Any, Iterator, Tuple

import jsonschema
import pytest
import yaml

from switchroom.catalog.checks import evidence_of
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Catalog
from switchroom.catalog.schema import load_schema
from switchroom.catalog.source import PACKAGED


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(PACKAGED)


def _objects(schema: Any, place: str = "") -> Iterator[Tuple[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield place, schema
        for key, value in schema.items():
            yield from _objects(value, f"{place}/{key}")


def test_the_schema_is_valid_draft_7() -> None:
    jsonschema.Draft7Validator.check_schema(load_schema())


def test_no_object_of_the_schema_takes_unknown_keys() -> None:
    for place, schema in _objects(load_schema()):
        assert schema.get("additionalProperties", True) is not True, place


def test_all_series_and_releases_are_there(catalog: Catalog) -> None:
    numbered = [key for key in catalog.series if key.isdigit()]
    assert numbered == [str(number) for number in range(16, 16 + len(numbered))]
    assert set(catalog.series) >= {"23", "certified-18.9", "certified-20.7", "certified-22.8"}
    assert list(catalog.freepbx) == ["13", "14", "15", "16", "17"]
    assert list(catalog.el) == ["8", "9", "10"]
    for release in catalog.el.values():
        assert set(release.distributions) == {"rocky", "alma", "centos-stream"}
        assert all(release.runtimes.values())


def test_every_fact_names_a_reference_that_says_where_it_is(catalog: Catalog) -> None:
    found = list(evidence_of(catalog))
    assert len(found) > 80
    for location, evidence in found:
        assert re.search(r"[a-z0-9]+[./][a-z0-9]+", catalog.references[evidence.reference], re.I), location


def test_every_series_tells_the_source_of_its_dates_version_and_tarballs(catalog: Catalog) -> None:
    for series in catalog.series.values():
        assert {"dates", "version", "sources", "bundled", "modules"} == set(series.evidence), series.key


def test_every_reference_is_used(catalog: Catalog) -> None:
    used = {evidence.reference for _, evidence in evidence_of(catalog)}
    used |= {entry.unverified_newer.reference for entry in catalog.series.values() if entry.unverified_newer}
    assert used == set(catalog.references)


def test_what_is_unverified_stays_marked(catalog: Catalog) -> None:
    assert not catalog.series["certified-22.8"].evidence["dates"].verified
    assert not catalog.series["20"].evidence["sources"].verified
    assert catalog.series["22"].evidence["bundled"].verified
    newer = catalog.series["22"].unverified_newer
    assert newer is not None
    assert newer.version != catalog.series["22"].version


def test_sources_carry_the_release_and_the_bundled_library(catalog: Catalog) -> None:
    for series in catalog.series.values():
        assert series.sources[0].name == f"asterisk-{series.source_version}.tar.gz"
        names = [source.name for source in series.sources[1:]]
        assert names == [f"{library}-{version}.tar.bz2" for library, version in series.bundled.items()]
        for source in series.sources:
            assert source.url is not None
            assert source.url.endswith(f"/{source.name}")


def test_series_that_freepbx_17_takes_and_that_still_have_them_build_chan_sip_and_macro(
    catalog: Catalog,
) -> None:
    assert set(catalog.series["20"].enable) == {"app_macro", "chan_sip"}
    assert catalog.series["22"].enable == ()


def test_dates_in_the_file_are_text() -> None:
    data = yaml.safe_load(PACKAGED.read_text())
    assert isinstance(data["series"]["22"]["released"], str)
    json.dumps(data)
