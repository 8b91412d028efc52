"""The cache of packages: nothing changed, nothing rebuilt; anything changed, built again."""

import contextlib
import json
import os
from pathlib import Path
from typing import Callable, Dict, Iterator, List

import pytest

from switchroom.build import host, macros
from switchroom.build.digest import DigestMemo
from switchroom.build.packages import Builder, Outcome, Workshop, place
from switchroom.build.recipe import Inputs, Recipe
from switchroom.build.rpmbuild import Built, Tell
from switchroom.core.errors import SwitchroomError
from switchroom.core.progress import Reporter


class Bench:
    """A recipe that can be changed, and a builder that counts how often it is used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.built = 0
        self.makes = True
        self.tools = ["gcc 12.2"]
        self.defines: Dict[str, str] = {"sw_version": "1.0"}
        self.epoch = 1_700_000_000
        for name in ("demo.spec", "macros.el9", "macros.lab", "macros.reproducible", "source.tar.gz"):
            (folder / name).write_text(name)

    @contextlib.contextmanager
    def build(self, _inputs: Inputs, _tell: Tell) -> Iterator[Built]:
        self.built += 1
        work = self.folder / "work"
        work.mkdir(exist_ok=True)
        (work / "build.log").write_text("log")
        packages = [work / "demo-1.0-1.lab.noarch.rpm"] if self.makes else []
        for package in packages:
            package.write_text(f"build {self.built}")
        yield Built(tuple(packages), work / "build.log")

    def make(self) -> Outcome:
        builder = Builder(self.build, lambda _inputs: self.tools)
        recipe = Recipe("demo", self.folder / "demo.spec", self.defines)
        inputs = Inputs(recipe, {"source.tar.gz": self.folder / "source.tar.gz"}, ())
        return Workshop(builder, self.epoch, Reporter(quiet=True)).make(inputs)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / "cache"))
    for module in (host, macros):
        monkeypatch.setattr(module, "is_el", lambda: False)
    return Bench(tmp_path)


def test_second_call_takes_the_packages_from_the_cache(bench: Bench) -> None:
    first, second = bench.make(), bench.make()
    assert bench.built == 1
    assert (first.cached, second.cached) == (False, True)
    assert first.packages == second.packages
    assert first.packages[0].read_text() == "build 1"


def change_spec(bench: Bench) -> None:
    (bench.folder / "demo.spec").write_text("other")


def change_source(bench: Bench) -> None:
    (bench.folder / "source.tar.gz").write_text("source.tar.xz")  # as long as before


def change_mode(bench: Bench) -> None:
    (bench.folder / "source.tar.gz").chmod(0o755)


def change_macros(bench: Bench) -> None:
    (bench.folder / "macros.reproducible").write_text("other")


def change_defines(bench: Bench) -> None:
    bench.defines = {"sw_version": "1.1"}


def change_tools(bench: Bench) -> None:
    bench.tools = ["gcc 12.3"]


def change_date(bench: Bench) -> None:
    bench.epoch += 1


@pytest.mark.parametrize(
    "change",
    [change_spec, change_source, change_mode, change_macros, change_defines, change_tools, change_date],
)
def test_any_changed_input_builds_again(bench: Bench, change: Callable[[Bench], None]) -> None:
    first = bench.make()
    change(bench)
    second = bench.make()
    assert not second.cached
    assert second.key != first.key


def test_going_back_finds_the_first_result_again(bench: Bench) -> None:
    first = bench.make()
    change_date(bench)
    bench.make()
    bench.epoch -= 1
    assert bench.make() == Outcome("demo", first.key, first.packages, cached=True)


def test_damaged_package_is_built_again(bench: Bench) -> None:
    package = bench.make().packages[0]
    package.write_text("torn")
    assert not bench.make().cached
    assert package.read_text() == "build 2"


def test_record_tells_what_went_in(bench: Bench) -> None:
    record = json.loads((bench.make().packages[0].parent / "record.json").read_text())
    assert record["inputs"]["toolchain"] == ["gcc 12.2"]
    assert set(record["inputs"]["files"]) == {"source.tar.gz"}


def test_failed_build_leaves_no_entry(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def broken(_inputs: Inputs, _tell: Tell) -> Iterator[Built]:
        raise SwitchroomError("no")
        yield

    monkeypatch.setattr(bench, "build", broken)
    with pytest.raises(SwitchroomError):
        bench.make()
    assert [path.name for path in (bench.folder / "cache/rpms").iterdir() if path.is_dir()] == []


def test_spec_that_makes_nothing_is_an_error(bench: Bench) -> None:
    bench.makes = False
    with pytest.raises(SwitchroomError, match="made no package"):
        bench.make()


def test_packages_are_placed_whole_and_only_when_they_differ(bench: Bench, tmp_path: Path) -> None:
    out, outcome = tmp_path / "out", bench.make()
    (placed,) = place([outcome], out, DigestMemo())
    inode = placed.stat().st_ino
    place([outcome], out, DigestMemo())
    assert placed.stat().st_ino == inode
    placed.write_text("signed since")
    place([outcome], out, DigestMemo())
    assert placed.read_text() == "build 1"
    assert os.listdir(out) == [placed.name]


def test_placing_does_not_share_the_caches_file(bench: Bench, tmp_path: Path) -> None:
    outcome = bench.make()
    names: List[Path] = place([outcome], tmp_path / "out", DigestMemo())
    assert names[0].stat().st_ino != outcome.packages[0].stat().st_ino
