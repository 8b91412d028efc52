"""Packages for debuggers, made by Enterprise Linux's rules: whole, the same anywhere, with ccache's help."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Dict, List

import pytest

from lab.engines.tree import unpack
from support.small_specs import COMPILE, EPOCH, INSTALL, make, write_specs
from switchroom.build import rpmbuild
from switchroom.build.lookaside import Lookaside
from switchroom.build.recipe import Inputs, Recipe, read
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import sha256
from switchroom.core.progress import Reporter

pytestmark = pytest.mark.lab("rpmbuild", "gcc", "ccache", "debugedit", "eu-strip", "dwz", "gdb", "cpio")

EL10 = Path(__file__).parents[1] / "data/el/macros.el10"
SOURCES = Path("usr/src/debug/small-1.0-1.lab.x86_64")
DEBUG = Path("usr/lib/debug/usr/bin/small-1.0-1.lab.x86_64.debug")
# How engines were compiled at first: what comes out names no folder, so debugedit finds no source.
HIDING = COMPILE.replace("%{sw_path_flags}", '-ffile-prefix-map="$PWD"=.')


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def unpacked(packages: List[Path], root: Path) -> Path:
    unpack(packages, root)
    return root


def sections(program: Path) -> str:
    return subprocess.run(["readelf", "-WS", program], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("el", [9, 10])
def test_by_els_rules_and_flags_the_sources_are_found(tmp_path: Path, el: int) -> None:
    specs = write_specs(tmp_path / "specs")
    if el == 10:
        with (specs / "macros.el9").open("a") as file:
            file.write(EL10.read_text())
    root = unpacked(list(make(specs).packages), tmp_path / "root")
    assert sorted(path.name for path in (root / SOURCES).rglob("*.[ch]")) == ["small.c", "small.h"]
    assert ".debug_info" in sections(root / DEBUG)
    assert f"/{SOURCES}/main" in (root / DEBUG).read_bytes().decode(errors="replace")
    assert ".debug_info" not in sections(root / "usr/bin/small")
    assert ".gnu_debugdata" in sections(root / "usr/bin/small"), "a crash without debuginfo has no names"


def test_no_package_names_the_folder_it_was_made_in(cache: Path, tmp_path: Path) -> None:
    root = unpacked(list(make(write_specs(tmp_path / "specs")).packages), tmp_path / "root")
    naming = [path for path in root.rglob("*") if path.is_file() and bytes(cache) in path.read_bytes()]
    assert naming == []


def test_a_build_that_hides_its_sources_fails_as_on_enterprise_linux(tmp_path: Path) -> None:
    specs = write_specs(tmp_path / "specs", HIDING, INSTALL.replace("%{sw_find_sources}", ""))
    with pytest.raises(SwitchroomError) as caught:
        make(specs)
    assert "Empty %files file" in caught.value.cause
    assert "debugsourcefiles.list" in caught.value.cause


def built(inputs: Inputs) -> Dict[str, str]:
    with rpmbuild.build(inputs, EPOCH, 1) as result:
        return {path.name: sha256(path) for path in result.packages}


def hits(cache: Path) -> int:
    argv = ["ccache", "--print-stats", "--dir", str(cache / "ccache")]
    lines = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
    counts = dict(line.split("\t")[:2] for line in lines)
    return int(counts["direct_cache_hit"]) + int(counts["preprocessed_cache_hit"])


def test_ccache_serves_a_build_in_another_folder_and_does_not_show(cache: Path, tmp_path: Path) -> None:
    specs = write_specs(tmp_path / "specs")
    inputs = read(Recipe("small", specs / "small.spec"), Lookaside(specs, Reporter(quiet=True)))
    with rpmbuild.work_folder():  # taken: the first build has another one
        first = built(inputs)
    before = hits(cache)
    assert built(inputs) == first
    assert hits(cache) == before + 1
    shutil.rmtree(cache)
    assert built(inputs) == first
