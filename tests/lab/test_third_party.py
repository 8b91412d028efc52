"""Modules of others: built for one engine from its headers, installed, carried within a series only."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator, List

import pytest

from lab.boxes import Box, new_box
from lab.engines.shelf import Shelf
from lab.engines.tree import unpack
from lab.layers import appliance_layer, repository_bind
from support.boxes import APPLIANCE, common_repository, publish_for_boxes
from support.lab_engines import lab_engines, products
from support.packages import Products
from switchroom.box import modules
from switchroom.build import macros
from switchroom.build.workspace import cache_dir, data_path

__all__ = ["common_repository", "lab_engines", "products"]  # fixtures
pytestmark = pytest.mark.lab("systemd-nspawn", "debootstrap", "dnf", "rpmbuild", "gcc", "cpio")

SPECS = Path(__file__).parents[1] / "data/third-party"
SOURCE = Path("debian-sid/asterisk-opus.tar.gz")
MODULE = "format_vp8.so"


@pytest.fixture(scope="module")
def sysroot(products: Products, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a build host has after ``dnf install asterisk22-devel``."""
    series = products.series["22"]
    heads = (f"{series.engine}-devel-", f"{series.meta}-devel-", "asterisk-module-macros-")
    root = tmp_path_factory.mktemp("sysroot")
    unpack([rpm for rpm in products.packages if rpm.name.startswith(heads)], root)
    return root


def build(spec: str, sysroot: Path, work: Path) -> List[Path]:
    """Build a spec as its author would, for series 22."""
    (work / "SOURCES").mkdir(parents=True)
    shutil.copy(cache_dir("lookaside") / SOURCE, work / "SOURCES")
    loads = [*macros.files(data_path("rpmspecs")), *sorted((sysroot / "usr/lib/rpm/macros.d").iterdir())]
    argv = ["rpmbuild", "-bb", "--nodeps", *(word for path in loads for word in ("--load", str(path)))]
    for name, value in (("_topdir", work), ("asterisk_series", "22"), ("asterisk_sysroot", sysroot)):
        argv += ["--define", f"{name} {value}"]
    done = subprocess.run([*argv, str(SPECS / f"{spec}.spec")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return sorted((work / "RPMS").rglob("*.rpm"))


def names(packages: List[Path]) -> List[str]:
    argv = ["rpm", "--query", "--package", "--queryformat", "%{NAME}\n", *map(str, packages)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()


def test_a_codec_of_others_builds_for_the_engine_by_a_short_spec(
    sysroot: Path, products: Products, tmp_path: Path
) -> None:
    series = products.series["22"]
    packages = build("asterisk-codec-opus", sysroot, tmp_path / "work")
    made = [name for name in names(packages) if "-debug" not in name]
    assert sorted(made) == [f"{series.meta}-codec-opus", f"{series.engine}-codec-opus"]
    unpack([path for path in packages if "-debug" not in path.name], tmp_path / "root")
    folder = tmp_path / "root/usr/lib64/switchroom/engines" / series.prefix_name / "modules"
    found = sorted(folder.iterdir())
    assert [path.name for path in found] == ["codec_opus_open_source.so", "format_ogg_opus_open_source.so"]
    header = next(sysroot.glob("usr/lib64/switchroom/engines/*/include/asterisk/buildopts.h")).read_text()
    assert all(sum_ in header for path in found for sum_ in modules.build_sums(path))


@pytest.fixture(scope="module")
def box(
    common_repository: Path,
    lab_engines: Shelf,
    sysroot: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Box]:
    """A box with Asterisk 22 and somebody's module for it, and further engines in its repository."""
    work = tmp_path_factory.mktemp("third-party")
    root = Path(shutil.copytree(common_repository, work / "repository", symlinks=True, copy_function=os.link))
    more = [rpm for engine in (lab_engines.newer, lab_engines.other_major) for rpm in engine.packages]
    publish_for_boxes(root, [*more, *build("asterisk-format-vp8", sysroot, work / "build")])
    layer = appliance_layer(common_repository, APPLIANCE)
    with new_box("third-party", [layer], repository_bind(root)) as made:
        made.run("dnf", "-y", "install", "asterisk22-format-vp8")
        made.run("systemctl", "restart", "asterisk.service")
        yield made


def loaded(box: Box) -> bool:
    return "1 modules loaded" in box.output("asterisk", "-rx", f"module show like {MODULE}")


def words(said: bytes) -> str:
    """Return what was said, without its lines."""
    return " ".join(said.decode().split())


def test_it_is_refused_across_series_with_words_and_goes_along_within(box: Box, lab_engines: Shelf) -> None:
    assert loaded(box)
    other = lab_engines.other_major.series.version
    said = words(box.run("asterisk-version-switch", other, "--dry-run", check=False).stdout)
    assert f"'{MODULE}' of the package '{lab_engines.current.series.engine}-format-vp8'" in said
    assert "cannot go along to series" in said
    assert "Ask who made it for one that is built for that series." in said
    newer = lab_engines.newer.series.version
    assert "Its modules are carried over." in words(
        box.run("asterisk-version-switch", newer, "--dry-run").stdout
    )
    assert box.run("asterisk-version-switch", newer, "--now", timeout=180).returncode == 0
    assert box.output("asterisk", "-rx", "core show version").startswith(f"Asterisk {newer}")
    assert loaded(box)
    assert box.run("asterisk-version-switch", "--rollback", "--now", timeout=180).returncode == 0
    assert loaded(box)
