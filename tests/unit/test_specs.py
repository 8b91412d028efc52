"""The specs as rpm reads them: names, prefixes, requirements, and what rpmlint says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest
import yaml

from support.specs import OTHERS, SERIES, SPECS, engine_defines, rpmspec, scriptlet, tags, whole

ROOT = Path(__file__).parents[2]
EL_NAMES = ROOT / "tests" / "data" / "el"
OURS = ("asterisk", "switchroom")
ALL = {"asterisk": engine_defines(SERIES["22"]), **OTHERS}


@pytest.fixture(scope="module")
def expanded() -> Dict[str, str]:
    return {key: rpmspec("asterisk", engine_defines(series), "-P") for key, series in SERIES.items()}


@pytest.mark.parametrize("key", sorted(SERIES))
def test_one_spec_makes_every_series(key: str, expanded: Dict[str, str]) -> None:
    series, text = SERIES[key], expanded[key]
    prefix = f"/usr/lib64/switchroom/engines/{series.prefix_name}"
    assert f"Name:           {series.engine}\n" in text
    assert f"Version:        {series.version}\n" in text
    assert f"%package -n {series.meta}\n" in text
    assert f"Provides:       switchroom-asterisk = {series.version}\n" in text
    assert f"./configure \\\n    --prefix={prefix} " in text
    assert f"\n{prefix}\n" in text.partition("\n%files\n")[2]
    assert not re.search(r"%\{[?!]*sw_", text), "a macro was left unexpanded"


@pytest.mark.parametrize("key", sorted(SERIES))
def test_the_meta_package_requires_exactly_its_engine(key: str) -> None:
    series = SERIES[key]
    query = "[%{=NAME} %{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\n]"
    lines = rpmspec("asterisk", engine_defines(series), "-q", "--queryformat", query).splitlines()
    exact = f"{series.meta} {series.engine} = {series.version}-{series.build}.lab"
    assert exact in [" ".join(line.split()) for line in lines]


def test_no_two_series_share_a_name_or_a_prefix(expanded: Dict[str, str]) -> None:
    names: List[str] = []
    for key, series in SERIES.items():
        names += rpmspec("asterisk", engine_defines(series), "-q", "--queryformat", "%{NAME}\n").split()
        prefixes = set(re.findall(r"switchroom/engines/([\w.]+-\d+)", expanded[key]))
        assert prefixes == {series.prefix_name}
    assert len(names) == len(set(names))


def test_every_file_of_an_engine_is_in_its_prefix(expanded: Dict[str, str]) -> None:
    prefix = f"/usr/lib64/switchroom/engines/{SERIES['22'].prefix_name}"
    listed = expanded["22"].partition("\n%files\n")[2].partition("%changelog")[0]
    paths = re.findall(r"^(?:%\w+ )?(/\S+)$", listed, re.MULTILINE)
    outside = [path for path in paths if not path.startswith(prefix)]
    macros = "/usr/lib/rpm/macros.d/macros.asterisk22-devel"
    assert outside == ["/usr/lib64/switchroom", "/usr/lib64/switchroom/engines", macros]
    assert len(paths) > len(outside)


def test_a_fixture_says_so_everywhere(expanded: Dict[str, str]) -> None:
    query = rpmspec("asterisk", engine_defines(SERIES["99"]), "-q", "--queryformat", "%{NAME}|%{SUMMARY}\n")
    summaries = dict(line.split("|") for line in query.splitlines())
    assert "LAB FIXTURE" in summaries["asterisk99.0.0_1"]
    assert "LAB FIXTURE" in summaries["asterisk99"]
    assert "Provides:       switchroom-fixture = 99.0.0\n" in expanded["99"]
    assert "echo 99.0.0 > .version" in expanded["99"]
    assert "FIXTURE" not in expanded["22"]


# rpmspec leaves out the line "%build": what it holds comes with %prep.
@pytest.mark.parametrize("script", ["prep", "install", "check", "post", "preun"])
def test_scripts_of_the_engine_are_plain_posix_shell(script: str, expanded: Dict[str, str]) -> None:
    text = scriptlet(expanded["22"], script)
    done = subprocess.run(["dash", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not re.search(r"\{\w+(,\w+)+\}|\[\[", text), "bash only"


def _named(spec: str) -> List[str]:
    return rpmspec(spec, ALL[spec], "-q", "--queryformat", "%{NAME}\n").split()


def test_by_els_rules_an_engine_has_packages_for_debuggers_and_nothing_else_has() -> None:
    found = {spec: [name for name in _named(spec) if "-debug" in name] for spec in ALL}
    engine = SERIES["22"].engine
    assert found.pop("asterisk") == [f"{engine}-debuginfo", f"{engine}-debugsource"]
    assert [names for names in found.values() if names] == []


def test_a_certified_engine_says_what_upstream_does_not_certify() -> None:
    query = ("-q", "--queryformat", "%{DESCRIPTION}\\f")
    text = rpmspec("asterisk", engine_defines(SERIES["certified-22.8"]), *query)
    said = text.partition("\f")[0].partition("not among what it certifies:\n")[2]
    assert {"app_amd", "pbx_ael", "res_snmp"} <= set(said.split())
    assert max(map(len, said.splitlines())) < 80


def test_an_engine_is_compiled_as_debugedit_can_read_it(expanded: Dict[str, str]) -> None:
    text = expanded["22"]
    (constant,) = set(re.findall(r"-fdebug-prefix-map=\$PWD=(\S+)", text))
    own = f"/usr/src/debug/{SERIES['22'].engine}-{SERIES['22'].version}-{SERIES['22'].build}.lab.x86_64"
    assert f"debugedit -b {constant} -d {own}\n" in scriptlet(text, "install")
    assert "-ffile-prefix-map" not in text


def _repositories(release: str) -> Dict[str, str]:
    lines = (EL_NAMES / f"{release}.tsv").read_text().splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {name: place for name, place, *_ in rows}


def _requirements(rhel: str) -> Dict[str, List[str]]:
    texts = [rpmspec(spec, {**defines, "rhel": rhel}, "-P") for spec, defines in ALL.items()]
    kinds = ("BuildRequires", "Requires", "Recommends")
    names = {name for text in texts for kind in kinds for name in tags(text, kind)}
    places = _repositories(f"el{rhel}")
    found: Dict[str, List[str]] = {}
    for name in sorted(names):
        if not name.startswith(OURS):
            found.setdefault(places.get(name, "missing"), []).append(name)
    return found


def _documented(rhel: str) -> Dict[str, List[str]]:
    text = (ROOT / "docs" / "packages.md").read_text()
    rows = re.findall(rf"^\| EL{rhel} \| (\S+) \| ([^|]+) \|$", text, re.MULTILINE)
    return {place: sorted(re.findall(r"`([^`]+)`", names)) for place, names in rows}


@pytest.mark.parametrize("rhel", ["9", "10"])
def test_required_names_exist_and_the_exceptions_are_documented(rhel: str) -> None:
    found = _requirements(rhel)
    assert "missing" not in found
    outside = {place: names for place, names in found.items() if place not in ("baseos", "appstream")}
    assert outside == _documented(rhel)


def test_every_build_requirement_has_its_debian_package() -> None:
    mapped = yaml.safe_load((SPECS / "debian-names.yml").read_text())
    everything = [*ALL.items(), ("asterisk", engine_defines(whole(SERIES["22"])))]
    needed = {
        name for spec, defines in everything for name in tags(rpmspec(spec, defines, "-P"), "BuildRequires")
    }
    assert needed == set(mapped)


@pytest.mark.parametrize("spec", sorted(ALL))
def test_rpmlint_finds_nothing(spec: str, tmp_path: Path) -> None:
    settings = "".join(f"%global {name} {value or '%{nil}'}\n" for name, value in ALL[spec].items())
    copy = tmp_path / f"{spec}.spec"
    copy.write_text(settings + (SPECS / f"{spec}.spec").read_text())
    tool = Path(sys.executable).with_name("rpmlint")
    done = subprocess.run(
        [tool, "-c", SPECS / "rpmlint.toml", copy], capture_output=True, text=True, check=False
    )
    assert "0 errors, 0 warnings" in done.stdout, done.stdout


def test_a_download_during_the_build_is_an_error() -> None:
    argv = [SPECS / "asterisk" / "no-download", "-q", "-O-", "https://downloads.asterisk.org/x"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "https://downloads.asterisk.org/x" in done.stderr
    text = rpmspec("asterisk", ALL["asterisk"], "-P")
    assert 'WGET="$PWD/build_helpers/no-download" CURL=: FETCH=:' in text


def test_the_recorded_build_machine_is_always_the_same(tmp_path: Path) -> None:
    script = SPECS / "asterisk" / "make-build-h"
    clock = {"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": "0"}
    done = subprocess.run([script], env=clock, capture_output=True, text=True, check=True)
    assert '#define BUILD_DATE "1970-01-01 00:00:00 UTC"' in done.stdout
    assert '#define BUILD_HOSTNAME "switchroom"' in done.stdout
    without = subprocess.run([script], env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False)
    assert without.returncode != 0
