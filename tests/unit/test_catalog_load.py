"""Bad input: each case gives one clear usage error that names the place and the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.frozen import FROZEN
from support.overlays import release
from switchroom.catalog import source
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Catalog, SeriesType, Status
from switchroom.core.errors import ExitCode, SwitchroomError

FIXTURE = """
series:
  "99": {type: Fixture, made_from: "22", version: "99.0.0", build: 1}
"""


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    return tmp_path / "site.yml"


def load(overlay: Path, text: str) -> Catalog:
    overlay.write_text(text)
    return load_catalog(FROZEN, [overlay])


def refusal(overlay: Path, text: str) -> SwitchroomError:
    with pytest.raises(SwitchroomError) as caught:
        load(overlay, text)
    assert caught.value.code is ExitCode.USAGE
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("serie: {}", "'serie'"),
        ('series: {"22": {verion: "22.11.0"}}', "'series.22.verion'"),
        ('series: {"22": {evidence: {dates: {refrence: x}}}}', "'series.22.evidence.dates.refrence'"),
        ('freepbx: {"17": {phq: {}}}', "'freepbx.17.phq'"),
        ('el: {"9": {distributions: {rocky: {eol: "2032-05-31"}}}}', "'el.9.distributions.rocky.eol'"),
    ],
)
def test_an_unknown_key_is_named_with_its_path_and_file(overlay: Path, text: str, place: str) -> None:
    error = refusal(overlay, text)
    assert place in error.message
    assert "unknown" in error.message
    assert str(overlay) in error.message


def test_a_fault_of_the_catalog_is_not_blamed_on_the_overlay(tmp_path: Path, overlay: Path) -> None:
    catalog = tmp_path / "catalog.yml"
    catalog.write_text(FROZEN.read_text().replace('as_of: "2026-11-22"', 'as_of: "soon"'))
    overlay.write_text(FIXTURE)
    with pytest.raises(SwitchroomError, match=r"'as_of'.*catalog\.yml"):
        load_catalog(catalog, [overlay])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('series: {"22": {security_only: "2024-01-01"}}', "security_only is before released"),
        ('series: {"22": {end_of_life: "2027-01-01"}}', "end_of_life is before security_only"),
        (
            'series: {"22": {security_only: null, end_of_life: "2020-01-01"}}',
            "end_of_life is before released",
        ),
        (
            'el: {"9": {distributions: {alma: {end_of_life: "2026-01-01"}}}}',
            "'el.9.distributions.alma' overlap",
        ),
    ],
)
def test_overlapping_dates_are_named(overlay: Path, text: str, words: str) -> None:
    error = refusal(overlay, text)
    assert words in error.message
    assert str(overlay) in error.message
    assert "20" in error.cause


def test_freepbx_naming_an_unknown_series(overlay: Path) -> None:
    error = refusal(overlay, 'freepbx: {"17": {asterisk: [{series: "22"}, {series: "42"}]}}')
    assert "FreePBX '17' names the unknown Asterisk series '42'" in error.message
    assert "'22'" in error.cause


@pytest.mark.parametrize("base", ["98", "99"])
def test_a_fixture_of_no_real_series(overlay: Path, base: str) -> None:
    error = refusal(overlay, FIXTURE.replace('"22"', f'"{base}"'))
    assert f"'99' is made from '{base}'" in error.message
    assert "'22'" in error.cause


def test_an_unlisted_reference(overlay: Path) -> None:
    error = refusal(overlay, 'series: {"22": {evidence: {dates: {reference: hearsay}}}}')
    assert "'hearsay' at 'series.22.evidence.dates'" in error.message


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("series:\n  '22': {type: LTS}\n   bad: x", 3, ""),
        ("as_of: '2026-11-22'\nseries:\n\t'22': {}", 3, "token"),
        ("series:\n  22: {build: 2}", 2, "must stand in quotes"),
        ("series:\n  '22': {build: 2}\n  '22': {build: 3}", 3, "given twice"),
    ],
)
def test_bad_yaml_gives_the_line(overlay: Path, text: str, line: int, words: str) -> None:
    error = refusal(overlay, text)
    assert f"'{overlay}' is not valid YAML at line {line}." in error.message
    assert error.cause
    assert words in error.cause


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('series: {"22": {released: 2024-10-16}}', "'series.22.released' must be text in quotes"),
        ('series: {"22": {version: 22.1}}', "'series.22.version' must be text in quotes"),
        ('series: {"22": {released: "2024-13-40"}}', "'series.22.released' is not allowed"),
        ('series: {"22": {build: 0}}', "'series.22.build' is not allowed"),
        ('series: {"22": {version: "23.0.0"}}', "'23.0.0' does not belong to the LTS series '22'"),
        ('series: {"certified-22.8": {type: LTS}}', "does not belong to the LTS series 'certified-22.8'"),
        ('series: {"22/x": {}}', "The key 'series.22/x' has a bad form"),
        ('series: {"24": {type: LTS, version: "24.0.0", build: 1}}', "'series.24' is not allowed"),
        ("series: 5", "'series' is not allowed"),
        ('series: {"22": {made_from: "20"}}', "'22' is made from '20', but only a fixture may be"),
        ('series: {"99": {type: Fixture, version: "99.0.0", build: 1}}', "'series.99' is not allowed"),
    ],
)
def test_a_bad_value_is_named(overlay: Path, text: str, words: str) -> None:
    assert words in refusal(overlay, text).message


def test_a_file_that_is_no_mapping(overlay: Path) -> None:
    assert "not a mapping" in refusal(overlay, "- 22").message


def test_an_empty_catalog_file(overlay: Path) -> None:
    assert "not a mapping" in refusal(overlay, "").message


@pytest.mark.parametrize("name", ["missing.yml", "."])
def test_an_unreadable_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SwitchroomError, match="cannot be read") as caught:
        load_catalog(tmp_path / name)
    assert caught.value.code is ExitCode.USAGE
    assert str(tmp_path) in caught.value.message


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "catalog.yml").write_bytes(b"\xff\xfe\x00series")
    with pytest.raises(SwitchroomError, match="cannot be read"):
        load_catalog(tmp_path / "catalog.yml")


def test_a_fixture_takes_its_sources_from_the_series_it_is_made_from(overlay: Path) -> None:
    catalog = load(overlay, FIXTURE)
    fixture, base = catalog.series["99"], catalog.series["22"]
    assert fixture.type is SeriesType.FIXTURE
    assert (fixture.sources, fixture.source_version) == (base.sources, base.source_version)
    assert (fixture.engine, fixture.label) == ("asterisk99.0.0_1", "Asterisk 99 (lab fixture)")


def test_a_fixture_is_offered_only_when_fixtures_are_asked_for(overlay: Path) -> None:
    catalog = load(overlay, FIXTURE)
    assert catalog.series["99"].status(catalog.as_of) is Status.FIXTURE
    assert "99" not in [series.key for series in catalog.offered(catalog.as_of)]
    assert [series.key for series in catalog.offered(catalog.as_of, fixtures=True)][-1] == "99"


def test_later_overlays_win_and_leave_the_rest_alone(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yml", tmp_path / "second.yml"
    first.write_text(release("22.10.2", disable=["codec_ilbc"]))
    second.write_text(release("22.10.3", build=2))
    series = load_catalog(FROZEN, [first, second]).series["22"]
    assert (series.engine, series.source_version) == ("asterisk22.10.3_2", "22.10.3")
    assert series.disable == ("codec_ilbc",)
    assert series.released == load_catalog(FROZEN).series["22"].released


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('series: {"22": {version: "22.10.3"}}', "asterisk-22.10.1.tar.gz"),
        ('series: {"22": {bundled: {pjproject: "2.18"}}}', "pjproject-2.17.tar.bz2"),
        (
            'series: {"22": {sources: [{name: "asterisk-1.tar.gz"}, {name: "asterisk-1.tar.gz"}]}}',
            "asterisk-1.tar.gz, asterisk-1.tar.gz",
        ),
    ],
)
def test_sources_of_another_release_than_the_series_are_named(overlay: Path, text: str, found: str) -> None:
    error = refusal(overlay, text)
    assert "sources of series '22' are not those of" in error.message
    assert found in (error.cause or "")


def test_sounds_of_another_version_are_named(overlay: Path) -> None:
    error = refusal(overlay, 'sounds: {moh-opsound-gsm: {version: "2.04"}}')
    assert (
        "'asterisk-moh-opsound-gsm-2.03.tar.gz', not 'asterisk-moh-opsound-gsm-2.04.tar.gz'" in error.message
    )


def test_a_fixture_follows_an_overlay_of_the_series_it_is_made_from(tmp_path: Path) -> None:
    fixture, suite = tmp_path / "fixture.yml", tmp_path / "suite.yml"
    fixture.write_text(FIXTURE)
    suite.write_text(release("22.11.0", pjproject="2.18"))
    series = load_catalog(FROZEN, [fixture, suite]).series["99"]
    assert (series.version, series.source_version) == ("99.0.0", "22.11.0")
    assert [entry.name for entry in series.sources] == ["asterisk-22.11.0.tar.gz", "pjproject-2.18.tar.bz2"]


def test_the_order_in_which_the_catalog_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped, named, given = (tmp_path / name for name in ("shipped.yml", "named.yml", "given.yml"))
    monkeypatch.setattr(source, "SHIPPED", shipped)
    monkeypatch.delenv("SWITCHROOM_CATALOG", raising=False)
    assert source.catalog_path() == source.PACKAGED
    shipped.touch()
    assert source.catalog_path() == shipped
    monkeypatch.setenv("SWITCHROOM_CATALOG", str(named))
    assert source.catalog_path() == named
    assert source.catalog_path(given) == given


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(SwitchroomError, match="no Asterisk series or version '25'") as caught:
        load_catalog(FROZEN).find("25")
    assert "'22' (22.10.1)" in caught.value.hint
    assert caught.value.code is ExitCode.USAGE


def test_bytes_that_no_text_has_are_bad_usage(overlay: Path) -> None:
    assert "is not valid YAML" in refusal(overlay, "series:\0\0").message
