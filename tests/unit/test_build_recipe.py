"""Recipes: what the catalog makes of the specs, and where a spec's files come from."""

import dataclasses
from pathlib import Path

import pytest

from support.specs import SPECS
from switchroom.build import recipes, toolchain
from switchroom.build.engine import contents
from switchroom.build.lookaside import Lookaside
from switchroom.build.recipe import Recipe, read
from switchroom.build.tarball import read_tree
from switchroom.catalog.load import load_catalog
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.progress import Reporter

FIXTURE = Path(__file__).parents[2] / "molecule/lab/fixture.yml"
SPEC = """Name: demo
Version: %{sw_version}
Release: 1
Summary: Demo
License: MIT
Source0: https://upstream.example/demo-%{sw_version}.tar.gz
Source1: demo.conf
BuildRequires: gcc >= 11, make
BuildRequires: jansson-devel
%description
Demo.
"""


@pytest.fixture
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "specs"
    (folder / "demo").mkdir(parents=True)
    (folder / "demo.spec").write_text(SPEC)
    (folder / "demo/demo.conf").write_text("a = 1\n")
    (folder / "macros.el9").write_text("%optflags -O2\n")
    (folder / "macros.lab").write_text("%dist .lab\n")
    (folder / "macros.reproducible").write_text("%_buildhost here.invalid\n")
    (folder / "debian-names.yml").write_text("gcc: gcc\nmake: make\njansson-devel: libjansson-dev\n")
    return folder


@pytest.fixture
def lookaside(tmp_path: Path, specs: Path) -> Lookaside:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "demo-1.0.tar.gz").write_text("upstream")
    return Lookaside(folder, Reporter(quiet=True))


def demo(specs: Path) -> Recipe:
    return Recipe("demo", specs / "demo.spec", {"sw_version": "1.0"})


def test_spec_is_read_by_rpm_itself(specs: Path, lookaside: Lookaside) -> None:
    inputs = read(demo(specs), lookaside)
    assert inputs.files == {
        "demo-1.0.tar.gz": lookaside.folder / "demo-1.0.tar.gz",
        "demo.conf": specs / "demo/demo.conf",
    }
    assert inputs.build_requires == ("gcc", "jansson-devel", "make")


def test_file_that_is_nowhere_is_named(specs: Path, lookaside: Lookaside) -> None:
    (specs / "demo/demo.conf").unlink()
    with pytest.raises(SwitchroomError, match=r"'demo\.spec' names the file 'demo\.conf'"):
        read(demo(specs), lookaside)


def test_spec_with_a_mistake_shows_rpms_words(specs: Path, lookaside: Lookaside) -> None:
    (specs / "demo.spec").write_text(SPEC.replace("Summary", "Sumary"))
    with pytest.raises(SwitchroomError, match="Reading the spec of 'demo'") as caught:
        read(demo(specs), lookaside)
    assert "Sumary" in caught.value.cause


def test_missing_build_dependency_is_refused_with_the_command(
    specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "is_el", lambda: False)
    monkeypatch.setattr(toolchain, "installed_packages", lambda: {"gcc": "12", "make": "4"})
    with pytest.raises(SwitchroomError) as caught:
        toolchain.require_dependencies(specs, ["gcc", "jansson-devel"])
    assert caught.value.code is ExitCode.REFUSED
    assert caught.value.hint == "Install with: apt-get install libjansson-dev"
    with pytest.raises(SwitchroomError, match="'new-devel' has no Debian name"):
        toolchain.require_dependencies(specs, ["new-devel"])


def test_upgraded_build_dependency_changes_the_fingerprint(
    specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "is_el", lambda: False)
    seen = []
    for version in ("2.14-2", "2.14-3"):
        installed = {"libjansson-dev": version, "libc6-dev": "2.36", "unrelated": version}
        monkeypatch.setattr(toolchain, "installed_packages", lambda installed=installed: installed)
        seen.append(toolchain.fingerprint(specs, ["jansson-devel"]))
    assert seen[0] != seen[1]
    assert set(seen[0]) - set(seen[1]) == {"libjansson-dev 2.14-2"}
    assert "libc6-dev 2.36" in seen[0]


def test_engine_gets_every_macro_from_the_catalog() -> None:
    series = load_catalog().series["22"]
    recipe, holds = recipes.engine(SPECS, series, {}), contents(SPECS / "asterisk.spec", series)
    assert recipe.name == series.engine
    assert recipe.sources == series.sources
    assert recipe.defines == {
        "sw_series": "22",
        "sw_label": "Asterisk 22 (LTS)",
        "sw_version": series.version,
        "sw_build": str(series.build),
        "sw_engine": f"asterisk{series.version}_{series.build}",
        "sw_meta": "asterisk22",
        "sw_source_version": series.version,
        "sw_pjproject": series.bundled["pjproject"],
        "sw_enable": " ".join(holds.enable),
        "sw_disable": " ".join(series.disable),
        "sw_modules": " ".join(sorted(holds.modules)),
        "sw_parts": " ".join(part.replace("-", "_") for part in sorted(holds.parts)),
        **{f"sw_part_{part.replace('-', '_')}": " ".join(modules) for part, modules in holds.parts.items()},
    }


def test_a_part_that_is_named_brings_its_source_and_says_so() -> None:
    catalog = load_catalog()
    series = dataclasses.replace(catalog.series["22"], parts=("dahdi", "stir-shaken"))
    recipe = recipes.engine(SPECS, series, catalog.part_sources)
    assert recipe.sources == (*series.sources, catalog.part_sources["stir-shaken"])
    assert recipe.defines["_with_dahdi"] == recipe.defines["_with_stir_shaken"] == "1"
    assert recipe.defines["sw_source_stir_shaken"] == "libjwt-1.15.3.tar.gz"


def test_fixture_is_marked_and_made_from_the_other_series_source() -> None:
    catalog = load_catalog(overlays=[FIXTURE])
    macros = recipes.engine(SPECS, catalog.series["99"], {}).defines
    assert macros["sw_fixture"] == "1"
    assert macros["sw_source_version"] == catalog.series["22"].source_version


def test_series_with_unknown_sources_is_refused(specs: Path) -> None:
    series = dataclasses.replace(load_catalog().series["22"], bundled={})
    with pytest.raises(SwitchroomError, match="does not say what Asterisk") as caught:
        recipes.engine(specs, series, {})
    assert caught.value.code is ExitCode.USAGE


def test_release_package_ships_this_key_and_this_catalog(specs: Path) -> None:
    release = recipes.Release(load_catalog(), b"the catalog", b"the key", "https://repo.example")
    shared = {recipe.name: recipe for recipe in recipes.shared(specs, release, {}, 0)}
    recipe = shared["switchroom-release"]
    assert recipe.defines["sw_repo_url"] == "https://repo.example"
    assert recipe.given["RPM-GPG-KEY-switchroom"].read_bytes() == b"the key"
    assert recipe.given["catalog.yml"].read_bytes() == b"the catalog"
    assert b"chan_sip" in recipe.given["removals.yml"].read_bytes()


def test_tools_own_tarball_is_the_running_source_and_nothing_else(specs: Path) -> None:
    release = recipes.Release(load_catalog(), b"", b"", "")
    shared = {recipe.name: recipe for recipe in recipes.shared(specs, release, {}, 1)}
    (tarball,) = shared["switchroom"].given.values()
    tree = read_tree(tarball, strip=1)
    assert "src/switchroom/cli/main.py" in tree
    assert not [name for name in tree if "__pycache__" in name or "_data" in name]
    assert {member.mtime for member in tree.values()} == {1}
