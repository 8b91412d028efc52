"""What playbooks ask the catalog, and a controller that cannot check a schema."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator

import pytest

from support.frozen import FROZEN
from switchroom.catalog.load import load_catalog
from switchroom.catalog.questions import Book, open_book
from switchroom.core.errors import SwitchroomError


@pytest.fixture(scope="module", autouse=True)
def frozen() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWITCHROOM_CATALOG", str(FROZEN))
        yield


@pytest.fixture(scope="module")
def book(frozen: None) -> Book:
    return open_book("2026-11-22")


def test_the_default_is_the_newest_supported_lts_of_the_day(book: Book) -> None:
    assert (book.asterisk()["version"], book.asterisk()["package"]) == ("22", "asterisk22")
    assert open_book("2024-09-01").asterisk()["series"] == "20"
    with pytest.raises(SwitchroomError, match="knows no LTS series that is supported on 2040"):
        open_book("2040-01-01").asterisk()


@pytest.mark.parametrize(
    ("version", "series", "package"),
    [
        ("20", "20", "asterisk20"),
        ("20.20.1", "20", "switchroom-asterisk = 20.20.1"),
        ("20.20.1-3", "20", "asterisk20.20.1_3"),
        ("certified-22.8", "certified-22.8", "asterisk22.8cert"),
        ("22.8cert3", "certified-22.8", "switchroom-asterisk = 22.8cert3"),
    ],
)
def test_a_version_names_its_series_and_what_dnf_installs(
    book: Book, version: str, series: str, package: str
) -> None:
    answer = book.asterisk(version)
    assert (answer["series"], answer["package"], answer["known"]) == (series, package, True)


def test_an_exact_version_may_be_of_a_series_that_only_the_repository_knows(book: Book) -> None:
    answer = book.asterisk("98.1.0")
    assert (answer["series"], answer["known"], answer["supported"]) == ("98", False, False)


@pytest.mark.parametrize("version", ["newest", "98", "22.10", "22.x", "22.10.1-", "22; reboot"])
def test_what_is_no_version_is_refused(book: Book, version: str) -> None:
    with pytest.raises(SwitchroomError):
        book.asterisk(version)


def test_a_runtime_fits_freepbx_and_is_supported(book: Book) -> None:
    assert book.runtime("php", "9", "17")["name"] == "php:8.2"
    newest = book.runtime("php", "9", None)
    assert (newest["supported"], newest["version"] > "8.2") == (True, True)
    with pytest.raises(
        SwitchroomError, match=r"FreePBX 17 needs PHP 8\.2 exactly, which EL 10 does not have"
    ):
        book.runtime("php", "10", "17")
    for unknown in (("perl", "9", None), ("php", "7", None), ("php", "9", "99")):
        with pytest.raises(SwitchroomError, match="The catalog has no"):
            book.runtime(*unknown)


def test_a_runtime_of_a_version_is_that_stream_or_refused_with_what_there_is(book: Book) -> None:
    assert book.runtime("php", "9", "17", "8.2")["form"] == "module"
    assert book.runtime("php", "9", None, "8.0")["form"] == "package"
    assert book.runtime("mariadb", "10", "17", "11.8")["name"] == "mariadb11.8"
    with pytest.raises(SwitchroomError, match=r"FreePBX 17 needs PHP 8\.2 exactly, not 8\.3"):
        book.runtime("php", "9", "17", "8.3")
    with pytest.raises(SwitchroomError, match=r"EL 10 has no Node\.js '18'") as refused:
        book.runtime("nodejs", "10", None, "18")
    assert refused.value.hint == "EL 10 has 22, 24."


def test_a_bad_day_is_named() -> None:
    with pytest.raises(SwitchroomError, match="'soon' is not a date"):
        open_book("soon")


def test_without_jsonschema_only_the_shipped_catalog_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SWITCHROOM_CATALOG")
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    assert load_catalog().series
    overlay = tmp_path / "overlay.yml"
    overlay.write_text("series: {}\n")
    with pytest.raises(SwitchroomError, match=r"overlay\.yml' cannot be checked"):
        load_catalog(overlays=[overlay])
