"""What an engine's packages hold, known from module data before a compile: catalog, data and spec agree."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Dict, Set

import pytest

from support.specs import CATALOG, SPECS
from switchroom.build.engine import check_bundled, contents
from switchroom.catalog.model import ModuleSet, Series, SeriesType
from switchroom.catalog.modules import module_tables, table_of
from switchroom.core.errors import ExitCode, SwitchroomError

SPEC = SPECS / "asterisk.spec"
CERTIFIED = [key for key, series in CATALOG.series.items() if series.type is SeriesType.CERTIFIED]
# What a PBX needs day by day and upstream does not certify.
DAILY = {"app_amd", "app_chanisavail", "cdr_csv", "cdr_odbc", "pbx_ael", "res_calendar", "res_config_ldap"}
DAILY |= {"res_phoneprov", "res_prometheus", "res_snmp"}
ALWAYS = {
    "calendar",
    "fax",
    "ldap",
    "lua",
    "mobile",
    "mwi-external",
    "mysql",
    "odbc",
    "ooh323",
    "pgsql",
    "snmp",
}
ALWAYS |= {"tds", "voicemail-odbc"}
OPTIONAL = {"dahdi", "imap", "mp3", "stir-shaken", "xmpp"}
LACKING = {"16": {"imap"}, "17": {"stir-shaken"}}


def _bare(key: str) -> Series:
    return dataclasses.replace(CATALOG.series[key], module_set=ModuleSet.BARE, enable=())


@pytest.mark.parametrize("key", sorted(CATALOG.series))
def test_every_package_of_a_series_has_a_module_and_every_enabled_module_is_built(key: str) -> None:
    holds = contents(SPEC, CATALOG.series[key])
    assert set(holds.parts) == ALWAYS - ({"voicemail-odbc"} if key == "16" else set())
    assert all(holds.parts.values())
    assert set(CATALOG.series[key].enable) <= set(holds.enable) <= holds.modules
    assert {"app_dial", "app_voicemail", "chan_iax2", "chan_pjsip", "res_srtp"} <= holds.modules


@pytest.mark.parametrize("key", CERTIFIED)
def test_a_certified_branch_has_what_its_series_has(key: str) -> None:
    holds = contents(SPEC, CATALOG.series[key])
    ordinary = contents(SPEC, CATALOG.series[key.removeprefix("certified-").partition(".")[0]])
    behind = {name for name in ordinary.modules if name in holds.known.modules}
    assert behind <= holds.modules
    assert holds.modules >= DAILY


@pytest.mark.parametrize("key", CERTIFIED)
def test_a_bare_certified_branch_has_what_upstream_certifies(key: str) -> None:
    holds = contents(SPEC, _bare(key))
    assert holds.enable == ()
    assert not holds.modules & DAILY
    assert set(holds.parts) == {"odbc", "fax"} & set(holds.parts)
    supported: Set[str] = {holds.known.modules[name].support for name in holds.modules}
    assert supported <= {"core", "extended"}


@pytest.mark.parametrize("key", sorted(CATALOG.series))
def test_parts_that_el_lacks_libraries_for_are_built_where_they_are_named(key: str) -> None:
    ordinary = contents(SPEC, CATALOG.series[key])
    wanted = sorted(OPTIONAL - LACKING.get(key, set()))
    holds = contents(SPEC, dataclasses.replace(CATALOG.series[key], parts=tuple(wanted)))
    assert set(holds.parts) == set(ordinary.parts) | set(wanted)
    assert {"chan_dahdi", "app_meetme"} <= set(holds.parts["dahdi"])
    assert {"chan_motif", "res_xmpp"} <= set(holds.parts["xmpp"])
    assert holds.parts["mp3"] == ("format_mp3",)
    assert holds.modules > ordinary.modules
    assert ("stir-shaken" in holds.parts) == ("res_stir_shaken" in holds.modules)


def test_modules_that_must_not_be_loaded_beside_others_are_packages_of_their_own() -> None:
    holds = contents(SPEC, CATALOG.series["22"])
    assert holds.parts["voicemail-odbc"] == ("app_voicemail_odbc",)
    assert {"res_mwi_external", "res_ari_mailboxes"} <= set(holds.parts["mwi-external"])
    together = [module for modules in holds.parts.values() for module in modules]
    assert len(together) == len(set(together))


@pytest.mark.parametrize("part", ["nosuch", "stir-shaken-2"])
def test_a_part_that_cannot_be_built_is_a_usage_error(part: str) -> None:
    with pytest.raises(SwitchroomError, match=f"cannot be built: '{part}'") as caught:
        contents(SPEC, dataclasses.replace(CATALOG.series["22"], parts=(part,)))
    assert caught.value.code is ExitCode.USAGE
    assert "'parts' of series '22'" in (caught.value.hint or "")


def test_a_series_newer_than_the_data_is_built_like_the_newest_before_it() -> None:
    numbered = [int(key) for key in module_tables() if key.isdigit()]
    assert table_of(str(max(numbered) + 1)).series == str(max(numbered))
    assert table_of("certified-20.8").series == "certified-20.7"


@pytest.mark.parametrize("change", [{"enable": ("app_nosuch",)}, {"disable": ("app_nosuch",)}])
def test_a_module_that_does_not_exist_is_a_usage_error(change: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(SwitchroomError, match=r"enables or disables for Asterisk 22") as caught:
        contents(SPEC, dataclasses.replace(CATALOG.series["22"], **change))  # type: ignore[arg-type]
    assert caught.value.code is ExitCode.USAGE
    assert "app_nosuch" in (caught.value.cause or "")


def test_an_enabled_module_without_its_library_is_a_usage_error() -> None:
    with pytest.raises(SwitchroomError) as caught:
        contents(SPEC, dataclasses.replace(CATALOG.series["22"], enable=("chan_motif",)))
    assert "chan_motif" in (caught.value.cause or "")


@pytest.mark.parametrize("key", sorted(module_tables()))
def test_the_catalog_bundles_what_the_release_bundles(key: str) -> None:
    series, known = CATALOG.series[key], module_tables()[key]
    if series.source_version == known.release:
        assert series.bundled["pjproject"] == known.bundled["pjproject"]


S22 = CATALOG.series["22"]
LIBRARY = b"pjproject as upstream packs it"


def _sources(folder: Path, *, wanted: str, md5: str) -> Dict[str, Path]:
    """Write a source of Asterisk that bundles a pjproject, and the pjproject at hand."""
    texts = {"versions.mak": f"JANSSON_VERSION=2.15.0\nPJPROJECT_VERSION={wanted}\n"}
    texts[f"pjproject/pjproject-{wanted}.tar.bz2.md5"] = f"{md5}  pjproject-{wanted}.tar.bz2\n"
    asterisk, library = folder / S22.sources[0].name, folder / S22.sources[1].name
    with tarfile.open(asterisk, "w:gz") as archive:
        for name, text in texts.items():
            member = tarfile.TarInfo(f"asterisk-{S22.source_version}/third-party/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    library.write_bytes(LIBRARY)
    return {asterisk.name: asterisk, library.name: library}


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_the_pjproject_that_asterisk_bundles_is_taken(tmp_path: Path) -> None:
    check_bundled(_sources(tmp_path, wanted=S22.bundled["pjproject"], md5=_md5(LIBRARY)), S22)


@pytest.mark.parametrize(
    ("wanted", "md5", "said"),
    [
        ("2.99", _md5(LIBRARY), "pjproject-2.99.tar.bz2"),
        (S22.bundled["pjproject"], _md5(b"other"), "has the MD5"),
    ],
)
def test_another_pjproject_is_refused_before_the_compile(
    tmp_path: Path, wanted: str, md5: str, said: str
) -> None:
    with pytest.raises(SwitchroomError, match="pjproject at hand is not the one") as caught:
        check_bundled(_sources(tmp_path, wanted=wanted, md5=md5), S22)
    assert caught.value.code is ExitCode.REFUSED
    assert said in (caught.value.cause or "")


def test_a_source_that_is_no_tarball_is_refused(tmp_path: Path) -> None:
    files = _sources(tmp_path, wanted=S22.bundled["pjproject"], md5=_md5(LIBRARY))
    whole = files[S22.sources[0].name].read_bytes()
    for broken in (b"", b"an error page", whole[: len(whole) // 2]):
        files[S22.sources[0].name].write_bytes(broken)
        with pytest.raises(SwitchroomError, match="is not a whole tarball"):
            check_bundled(files, S22)
