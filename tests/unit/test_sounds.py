"""Prompts and music on hold: what there is, what is fetched, checked and built, what a box may ask for."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.frozen import FROZEN
from support.made_up_upstream import publish_sounds
from support.specs import CATALOG, SPECS
from switchroom.build import packages, recipes
from switchroom.build.kickstart import site
from switchroom.build.lookaside import Lookaside
from switchroom.build.tarball import Member, Tree
from switchroom.catalog import questions, sounds
from switchroom.catalog.load import load_catalog
from switchroom.cli import build_packages, build_sources
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.progress import Reporter

QUIET = Reporter(quiet=True)
FRENCH, EXTRA, MUSIC = "core-sounds-fr-g722-1.6.1", "extra-sounds-fr-g722-1.5.2", "moh-opsound-gsm-2.03"
USUAL = "core-sounds-en-gsm-1.6.1"


def prompts(kind: str, ending: str, *names: str) -> Tree:
    """Return a set as upstream packs one: sounds, a list of what they say, and who may use them."""
    texts = {f"{what}-asterisk-{kind}-1.6.1": what for what in ("CHANGES", "CREDITS", "LICENSE")}
    texts |= {f"{name}.{ending}": f"{kind} {name}" for name in names}
    return {name: Member(text.encode()) for name, text in {**texts, f"{kind}-sounds-fr.txt": "x"}.items()}


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A made-up copy of upstream's download folder."""
    tarballs = {
        USUAL: prompts("core", "gsm", "vm-intro", "digits/0"),
        FRENCH: prompts("core", "g722", "vm-intro", "digits/0"),
        EXTRA: prompts("extra", "g722", "digits/dot"),
        MUSIC: prompts("moh", "gsm", "macroform-cold_day"),
    }
    return publish_sounds(tmp_path / "telephony", tarballs)


@pytest.fixture
def sources(tmp_path: Path, upstream: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words of a command that fills a lookaside from there, of the catalog of one day, and no engine."""
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SWITCHROOM_CATALOG", str(FROZEN))
    monkeypatch.setattr(build_sources, "chosen_series", lambda _args, _catalog: [])
    folder = tmp_path / "lookaside"
    folder.mkdir()
    return ["build", "sources", "--upstream", str(upstream), "--lookaside", str(folder), "--json"]


def test_every_language_and_format_of_upstream_has_a_package_of_its_own() -> None:
    names = [one.package for one in CATALOG.sounds.values()]
    assert len(set(names)) == len(names)
    assert {"asterisk-sounds-core-en-gsm", "asterisk-sounds-extra-en_GB-siren14"} <= set(names)
    languages = {one.language for one in CATALOG.sounds.values() if one.kind == "core-sounds"}
    assert {"en", "en_AU", "en_GB", "en_NZ", "es", "fr", "it", "ja", "ru", "sv"} <= languages
    formats = {one.format for one in CATALOG.sounds.values() if one.language == "sv"}
    assert {"alaw", "ulaw", "gsm", "g722", "g729", "siren7", "siren14", "sln16", "wav"} <= formats


def test_unasked_only_the_usual_sets_are_fetched(
    sources: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(sources) == ExitCode.DONE
    wanted = [f"asterisk-{name}.tar.gz" for name in (USUAL, MUSIC)]
    assert json.loads(capsys.readouterr().out)["files"] == wanted


def test_what_is_asked_for_comes_besides(sources: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*sources, "--sounds", "*-fr-g722"]) == ExitCode.DONE
    wanted = [f"asterisk-{name}.tar.gz" for name in (USUAL, MUSIC, FRENCH, EXTRA)]
    assert json.loads(capsys.readouterr().out)["files"] == wanted


def test_a_pattern_that_names_nothing_is_bad_usage(
    sources: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*sources, "--sounds", "core-sounds-fr-wave"]) == ExitCode.USAGE
    shown = capsys.readouterr().out
    assert "no prompts or music 'core-sounds-fr-wave'" in shown
    assert "'core-sounds-fr-wav'" in shown
    assert "switchroom catalog sounds" in shown


@pytest.mark.parametrize("text", [f"{'0' * 40}  {FRENCH}\n", "<html>Not found</html>\n", ""])
def test_a_set_without_upstreams_checksum_is_refused(
    sources: list[str], upstream: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (upstream / f"sounds/releases/asterisk-{FRENCH}.tar.gz.sha1").write_text(text)
    assert main([*sources, "--sounds", "core-sounds-fr-g722"]) == ExitCode.FAILED
    assert f"checksum that upstream states in 'asterisk-{FRENCH}.tar.gz.sha1'" in capsys.readouterr().out
    assert main([*sources, "--sounds", "core-sounds-fr-g722"]) == ExitCode.FAILED, "not recorded either"


def test_a_set_whose_checksum_cannot_be_fetched_is_not_fetched(
    sources: list[str], upstream: Path, tmp_path: Path
) -> None:
    (upstream / f"sounds/releases/asterisk-{FRENCH}.tar.gz.sha1").unlink()
    assert main([*sources, "--sounds", "core-sounds-fr-g722"]) == ExitCode.FAILED
    assert not (tmp_path / f"lookaside/asterisk-{FRENCH}.tar.gz").exists()


def test_a_set_put_there_by_hand_is_told_to_be_unchecked(
    sources: list[str], upstream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"asterisk-{FRENCH}.tar.gz"
    (tmp_path / "lookaside" / name).write_bytes((upstream / "sounds/releases" / name).read_bytes())
    assert main([*sources, "--sounds", "core-sounds-fr-g722"]) == ExitCode.DONE
    assert f"Not checked by upstream's checksum: there is no '{tmp_path / 'lookaside' / name}.sha1'" in (
        capsys.readouterr().err
    )


def test_a_plan_names_the_packages_and_their_files(
    sources: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build_packages.chosen_series is not build_sources.chosen_series, "the plan's is not replaced"
    words = ["--plan", "--series", "22", "--sounds", "asterisk-sounds-extra-fr-wav", *sources[2:]]
    assert main(["build", "packages", *words]) == ExitCode.REFUSED
    planned: Any = json.loads(capsys.readouterr().out)
    assert planned["sounds"][2:] == ["asterisk-sounds-extra-fr-wav"]
    paths = [one["path"] for one in planned["sources"]]
    assert str(tmp_path / "lookaside/asterisk-extra-sounds-fr-wav-1.5.2.tar.gz") in paths
    main(["build", "packages", *(word for word in words if word != "--json")])
    shown = capsys.readouterr().out
    assert "(beside it 'asterisk-extra-sounds-fr-wav-1.5.2.tar.gz.sha1')" in shown
    assert f"(beside it 'asterisk-{load_catalog(FROZEN).series['22'].version}.tar.gz.asc')" in shown


def test_sets_of_one_language_lie_side_by_side(
    tmp_path: Path, upstream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / "cache"))
    builder = packages.local_builder(SPECS, 0, 1)
    workshop = packages.Workshop(builder, 0, QUIET)
    folder = tmp_path / "lookaside"
    folder.mkdir()
    listed = {}
    rpms = []
    for key in ("core-sounds-fr-g722", "extra-sounds-fr-g722", "moh-opsound-gsm"):
        chosen = load_catalog(FROZEN).sounds[key]
        (inputs,) = packages.read_all(
            [recipes.sounds(SPECS, chosen)], Lookaside(folder, QUIET, str(upstream))
        )
        (rpm,) = [path for path in workshop.make(inputs).packages if ".src." not in path.name]
        assert rpm.name.startswith(f"{chosen.package}-{chosen.version}-1.")
        rpms.append(str(rpm))
        query = ["rpm", "--query", "--list", "--package", str(rpm)]
        listed[key] = subprocess.run(query, check=True, capture_output=True, text=True).stdout.split()
    data = "/var/lib/asterisk"
    assert {f"{data}/sounds/fr/vm-intro.g722", f"{data}/sounds/fr/digits/0.g722"} <= set(
        listed["core-sounds-fr-g722"]
    )
    assert f"{data}/moh/macroform-cold_day.gsm" in listed["moh-opsound-gsm"]
    assert f"{data}/moh" not in listed["moh-opsound-gsm"], "it is asterisk-common's"
    shared = set(listed["core-sounds-fr-g722"]) & set(listed["extra-sounds-fr-g722"])
    assert {path for path in shared if path.startswith("/var")} == {
        f"{data}/sounds/fr",
        f"{data}/sounds/fr/digits",
    }
    together = ["rpm", "--dbpath", str(tmp_path / "rpmdb"), "--install", "--test", "--nodeps", *rpms]
    assert subprocess.run(together, check=False, capture_output=True).returncode == 0, (
        "no file of two packages"
    )
    for paths in listed.values():
        assert any(path.startswith("/usr/share/licenses/") and "LICENSE" in path for path in paths)


def test_packages_a_box_asks_for_must_be_ones_that_there_are() -> None:
    known = questions.open_book("2026-11-29").sounds(["asterisk-sounds-core-fr-wav", "example-prompts-de"])
    assert known["asterisk-sounds-core-fr-wav"] == {"kind": "core-sounds", "language": "fr", "format": "wav"}
    with pytest.raises(SwitchroomError, match="no prompts or music for a package") as caught:
        sounds.checked(CATALOG.sounds, ["asterisk-sounds-core-fr-wave"])
    assert "'asterisk-sounds-core-fr-wav'" in str(caught.value.hint)


def test_the_medium_carries_the_sounds_that_the_site_asks_for() -> None:
    asked = site.packages(9, {"asterisk_sounds": ["asterisk-sounds-core-fr-wav"]})
    assert "asterisk-sounds-core-fr-wav" in asked
    asked = site.packages(9, {"asterisk_sounds": "asterisk-sounds-core-fr-wav,asterisk-moh-opsound-wav"})
    assert {"asterisk-sounds-core-fr-wav", "asterisk-moh-opsound-wav"} <= set(asked)
    assert not [name for name in site.packages(9, {}) if name.startswith("asterisk-sounds")]


def test_the_table_of_sounds_names_each_language_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "sounds", "--catalog", str(FROZEN)]) == ExitCode.DONE
    rows = capsys.readouterr().out.splitlines()
    (swedish,) = [row for row in rows if "Swedish" in row]
    assert "asterisk-sounds-core-sv-FORMAT" in swedish
    assert "g722" in swedish
