"""Support on particular days, and what an installer may therefore offer."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from support.frozen import FROZEN
from support.overlays import release
from switchroom.catalog.advice import advice
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Catalog, Status

TODAY = datetime.date(2026, 11, 22)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(FROZEN)


@pytest.mark.parametrize(
    ("key", "day", "status"),
    [
        ("20", TODAY, Status.SECURITY_ONLY),
        ("21", TODAY, Status.END_OF_LIFE),
        ("22", TODAY, Status.FULL),
        ("23", TODAY, Status.SECURITY_ONLY),
        ("16", TODAY, Status.END_OF_LIFE),
        ("certified-22.8", TODAY, Status.UNKNOWN),
        ("22", datetime.date(2024, 10, 15), Status.UPCOMING),
        ("22", datetime.date(2024, 10, 16), Status.FULL),
        ("22", datetime.date(2028, 10, 15), Status.FULL),
        ("22", datetime.date(2028, 10, 16), Status.SECURITY_ONLY),
        ("22", datetime.date(2029, 10, 15), Status.SECURITY_ONLY),
        ("22", datetime.date(2029, 10, 16), Status.END_OF_LIFE),
    ],
)
def test_status_follows_the_dates(catalog: Catalog, key: str, day: datetime.date, status: Status) -> None:
    assert catalog.series[key].status(day) is status


def test_only_supported_series_are_offered(catalog: Catalog) -> None:
    assert [series.key for series in catalog.offered(TODAY)] == ["20", "22", "23"]


def test_offer_shrinks_with_time(catalog: Catalog) -> None:
    assert [series.key for series in catalog.offered(datetime.date(2028, 1, 1))] == ["22"]
    assert catalog.offered(datetime.date(2030, 1, 1)) == ()


def test_a_series_without_an_end_of_life_is_found_by_name_but_not_offered(catalog: Catalog) -> None:
    certified = catalog.find("certified-22.8")
    assert certified.end_of_life is None
    assert certified not in catalog.offered(TODAY)


def test_series_24_is_offered_by_data_alone(tmp_path: Path) -> None:
    overlay = tmp_path / "24.yml"
    overlay.write_text(
        """
references:
  release-24: "https://example.org/announcement-of-24"
series:
  "24":
    type: LTS
    version: "24.0.0"
    build: 1
    version_released: "2026-11-18"
    released: "2026-11-18"
    security_only: "2030-11-18"
    end_of_life: "2031-11-18"
    sources:
      - {name: "asterisk-24.0.0.tar.gz", url: "https://example.org/asterisk-24.0.0.tar.gz"}
    evidence:
      dates: {reference: release-24}
      version: {reference: release-24}
      sources: {reference: release-24}
"""
    )
    catalog = load_catalog(FROZEN, [overlay])
    newest = catalog.offered(TODAY)[-1]
    assert (newest.label, newest.engine, newest.meta) == (
        "Asterisk 24 (LTS)",
        "asterisk24.0.0_1",
        "asterisk24",
    )
    assert catalog.offered(datetime.date(2026, 11, 17))[-1].key == "23"


@pytest.mark.parametrize(
    ("day", "warned"),
    [
        (datetime.date(2026, 4, 20), False),
        (datetime.date(2026, 4, 21), True),
        (datetime.date(2026, 10, 17), True),
        (datetime.date(2026, 10, 18), False),
    ],
)
def test_end_of_life_within_180_days_warns(catalog: Catalog, day: datetime.date, warned: bool) -> None:
    texts = [remark.text for remark in advice(catalog, day) if remark.place == "series.21"]
    assert any("end of life on 2026-10-18" in text for text in texts) is warned


@pytest.mark.parametrize(("days", "told"), [(30, False), (31, True)])
def test_advice_says_that_newer_may_exist_once_the_catalog_is_old(
    catalog: Catalog, days: int, told: bool
) -> None:
    remarks = advice(catalog, catalog.as_of + datetime.timedelta(days=days))
    assert any(remark.place == "as_of" and "may exist" in remark.text for remark in remarks) is told


def test_advice_names_releases_that_nobody_verified(catalog: Catalog) -> None:
    texts = [remark.text for remark in advice(catalog, TODAY)]
    assert any("22.11.0" in text and "unverified" in text for text in texts)


def test_a_release_that_an_overlay_overtook_is_no_longer_reported_as_newer(tmp_path: Path) -> None:
    overlay = tmp_path / "suite.yml"
    overlay.write_text(release("22.11.0"))
    texts = [remark.text for remark in advice(load_catalog(FROZEN, [overlay]), TODAY)]
    assert not any("22.11.0" in text for text in texts)


def test_names_follow_the_packaging_rules(catalog: Catalog) -> None:
    certified = catalog.find("22.8cert4")
    assert (certified.key, certified.engine, certified.meta, certified.prefix_name) == (
        "certified-22.8",
        "asterisk22.8cert4_1",
        "asterisk22.8cert",
        "22.8cert4-1",
    )
    assert certified.source_version == "certified-22.8-cert4"
    assert catalog.find("22").source_version == "22.10.1"


def test_epoch_is_midnight_utc_of_the_catalogs_day(catalog: Catalog) -> None:
    day = datetime.datetime.fromtimestamp(catalog.epoch, datetime.timezone.utc)
    assert day.replace(tzinfo=None) == datetime.datetime.combine(catalog.as_of, datetime.time())
