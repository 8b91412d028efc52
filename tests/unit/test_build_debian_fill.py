"""Filling the lookaside folder from a suite: once, told to the catalog, with the fallback in every error."""

import json
from pathlib import Path
from typing import Optional

import pytest

from support.debian_source import write_source_package
from switchroom.build.debian import fill
from switchroom.build.debian.origin import Origin
from switchroom.build.debian.sounds import SoundSet
from switchroom.build.lookaside import Lookaside
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Catalog, Source
from switchroom.catalog.sounds import chosen
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256
from switchroom.core.progress import Reporter

QUIET = Reporter(quiet=True)


class Archive:
    """Stands for a Debian archive; ``updates`` counts how often it was asked."""

    def __init__(self) -> None:
        self.name = ""
        self.version: Optional[str] = "1:22.99.0+dfsg-1"
        self.updates = 0

    def suite(self, name: str, *_where: object) -> "Archive":
        self.name = name
        return self

    def update(self) -> None:
        self.updates += 1

    def source_version(self, _package: str) -> Optional[str]:
        return self.version

    def download_source(self, _package: str, _version: str, folder: Path) -> None:
        write_source_package(folder)


@pytest.fixture(autouse=True)
def archive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Archive:
    def sounds(sound_set: SoundSet, _suite: object, _scratch: Path, target: Path) -> str:
        (target / f"{sound_set.package}-1.0.tar.gz").write_text(sound_set.package)
        return "1.0"

    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / "cache"))
    stand_in = Archive()
    monkeypatch.setattr(fill, "Suite", stand_in.suite)
    monkeypatch.setattr(fill, "find_origin", lambda: Origin("http://mirror.example", Path("/k")))
    monkeypatch.setattr(fill.process, "require", lambda *_tools: None)
    monkeypatch.setattr(fill.sounds, "fetch", sounds)
    return stand_in


@pytest.fixture
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def lookaside(tmp_path: Path) -> Lookaside:
    folder = tmp_path / "sources"
    folder.mkdir()
    return Lookaside(folder, QUIET)


def test_overlay_makes_the_catalog_what_the_suite_offers(catalog: Catalog, lookaside: Lookaside) -> None:
    fill.fill(lookaside, "sid", catalog, False, QUIET)
    series = load_catalog(overlays=[lookaside.overlay]).series["22"]
    assert (series.version, series.source_version, series.bundled) == (
        "22.99.0",
        "22.99.0",
        {"pjproject": "2.17"},
    )
    assert {source.name: source.sha256 for source in series.sources} == {
        name: sha256(lookaside.folder / "debian-sid" / name)
        for name in ("asterisk-22.99.0.tar.gz", "pjproject-2.17.tar.bz2")
    }
    reference = load_catalog(overlays=[lookaside.overlay]).references["debian-sid"]
    assert "1:22.99.0+dfsg-1" in reference
    assert [lookaside.obtain(source) for source in series.sources]


def test_second_call_asks_nobody(catalog: Catalog, lookaside: Lookaside, archive: Archive) -> None:
    first = fill.fill(lookaside, "sid", catalog, False, QUIET)
    assert fill.fill(lookaside, "sid", catalog, False, QUIET) == first
    assert archive.updates == 1
    fill.fill(lookaside, "sid", catalog, True, QUIET)
    assert archive.updates == 2


def test_damaged_file_is_made_again(catalog: Catalog, lookaside: Lookaside) -> None:
    fill.fill(lookaside, "sid", catalog, False, QUIET)
    damaged = lookaside.folder / "debian-sid/pjproject-2.17.tar.bz2"
    whole = sha256(damaged)
    damaged.write_bytes(b"bad")
    fill.fill(lookaside, "sid", catalog, False, QUIET)
    assert sha256(damaged) == whole


def test_series_the_catalog_does_not_know_names_the_fallback(
    catalog: Catalog, lookaside: Lookaside, archive: Archive
) -> None:
    archive.version = "1:98.1.0-1"
    with pytest.raises(SwitchroomError) as caught:
        fill.fill(lookaside, "sid", catalog, False, QUIET)
    assert "offers Asterisk 98.1.0, of a series '98'" in caught.value.message
    assert (
        f"put upstream's tarballs (asterisk-VERSION.tar.gz, …) in '{lookaside.folder}'" in caught.value.hint
    )


def test_suite_without_asterisk_names_the_fallback(
    catalog: Catalog, lookaside: Lookaside, archive: Archive
) -> None:
    archive.version = None
    with pytest.raises(SwitchroomError) as caught:
        fill.fill(lookaside, "trixie", catalog, False, QUIET)
    assert caught.value.message == "The Debian suite 'trixie' offers no source package 'asterisk'."
    assert "put upstream's tarballs" in caught.value.hint
    assert not lookaside.overlay.exists()


def test_debians_files_are_never_taken_for_upstreams(catalog: Catalog, lookaside: Lookaside) -> None:
    fill.fill(lookaside, "sid", catalog, False, QUIET)
    altered = load_catalog(overlays=[lookaside.overlay])
    for source in (*altered.series["22"].sources, *(one.source for one in chosen(altered.sounds, ()))):
        assert lookaside.obtain(source).parent.name == "debian-sid"
        with pytest.raises(SwitchroomError, match=f"The source '{source.name}' is not in"):
            lookaside.obtain(Source(source.name))


def test_upstreams_own_tarball_stays_beside_debians(catalog: Catalog, lookaside: Lookaside) -> None:
    upstreams = lookaside.folder / "asterisk-22.99.0.tar.gz"
    upstreams.write_text("from upstream")
    fill.fill(lookaside, "sid", catalog, False, QUIET)
    assert upstreams.read_text() == "from upstream"
    assert lookaside.obtain(Source(upstreams.name)) == upstreams


def test_series_asked_for_by_name_must_be_what_the_suite_has(catalog: Catalog, lookaside: Lookaside) -> None:
    filled = fill.fill(lookaside, "sid", catalog, False, QUIET)
    fill.requested(["22"], filled, catalog)
    with pytest.raises(SwitchroomError) as caught:
        fill.requested(["20"], filled, catalog)
    assert caught.value.code is ExitCode.USAGE


def test_interrupted_landing_is_done_again(catalog: Catalog, lookaside: Lookaside) -> None:
    fill.fill(lookaside, "sid", catalog, False, QUIET)
    record = lookaside.folder / "debian.json"
    before = json.loads(record.read_text())
    record.unlink()
    assert fill.fill(lookaside, "sid", catalog, False, QUIET).as_dict() == before
