"""The real engine 22 brought beside the fixture engine 99 from the published repository, and pruned again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Iterator

import pytest

from lab.engines.outlet import Outlet
from lab.roots import inside, scratch_root
from support.box_python import install_tool, on_box
from support.outlets import products
from support.packages import Products
from switchroom.build import repo
from switchroom.build.keys import development_key
from switchroom.core.progress import Reporter

__all__ = ["products"]  # a fixture
pytestmark = pytest.mark.lab("debootstrap", "dnf", "rpmbuild")

BY_NAME = "e = {o.series: o.engine for o in packages.offers(offline=True)}\n"


@pytest.fixture(scope="module")
def root(products: Products, lab_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A root that runs 99 with its ODBC modules, and has been brought 22."""
    quiet, key = Reporter(quiet=True), development_key()
    outlet = Outlet(tmp_path_factory.mktemp("outlet") / "repository", "file:///srv/repo")
    repo.publish(
        outlet.root, products.packages, key=key, epoch=products.epoch, reporter=quiet, url=outlet.url
    )
    repo.promote(outlet.root, None, key=key, epoch=products.epoch, reporter=quiet)
    with scratch_root(lab_base) as folder:
        install_tool(folder)
        shutil.copytree(outlet.root, folder / "srv/repo", symlinks=True)
        outlet.introduce(folder)
        inside(folder, "dnf", "-y", "install", "asterisk99", "asterisk99-odbc")
        on_box(
            folder,
            """
target = next(o for o in packages.offers() if o.series == '22')
active = engines.active(Paths())
resolution = packages.resolve(target.engine, packages.extras_of(active))
packages.require_space(Paths(), resolution, 1 << 20)
files = packages.fetch(resolution, KEPT)
packages.rehearse(files)
packages.install(keep(files))
packages.mark_user(resolution.wanted)
packages.protect(Paths(), [target.engine.package, active.package])
packages.sync(Paths())
""",
        )
        yield folder


def test_both_engines_are_whole_and_22_has_the_same_extras(root: Path, products: Products) -> None:
    old, new = products.series["99"], products.series["22"]
    names = [old.engine, new.engine, f"{new.engine}-odbc", new.meta, f"{new.meta}-odbc"]
    assert inside(root, "rpm", "-q", *names).returncode == 0
    assert on_box(root, f"result = packages.verify({names!r})") == []
    assert on_box(root, BY_NAME + "result = packages.extras_of(e['22'])") == ["odbc"]
    assert str((root / "etc/switchroom/engine").readlink()).endswith(old.prefix_name)


def test_neither_dnf_remove_nor_autoremove_takes_one_of_them(root: Path, products: Products) -> None:
    for series in products.series.values():
        assert inside(root, "dnf", "-y", "remove", series.engine, check=False).returncode != 0
    inside(root, "dnf", "-y", "autoremove", check=False)
    assert inside(root, "rpm", "-q", *(one.engine for one in products.series.values())).returncode == 0


def test_repair_from_the_kept_files_needs_no_repository(root: Path, products: Products) -> None:
    program = root / "usr/lib64/switchroom/engines" / products.series["22"].prefix_name / "sbin/asterisk"
    program.unlink()
    (root / "srv/repo").rename(root / "srv/away")
    try:
        assert on_box(root, "result = packages.verify([one.nevra for one in kept()])") != []
        on_box(root, "packages.reinstall(kept())")
    finally:
        (root / "srv/away").rename(root / "srv/repo")
    assert program.stat().st_size > 1 << 20


def test_modules_of_third_parties_stay_in_their_series(root: Path, products: Products) -> None:
    prefixes = {
        key: f"/usr/lib64/switchroom/engines/{one.prefix_name}" for key, one in products.series.items()
    }
    module = root / prefixes["99"][1:] / "modules/codec_vendor.so"
    module.write_bytes((root / prefixes["99"][1:] / "modules/app_dial.so").read_bytes() + b"theirs")
    found = on_box(root, BY_NAME + "result = modules.foreign(Paths(), e['99'])")
    assert [(one["name"], one["owner"], one["series"], len(one["sums"])) for one in found] == [
        ("codec_vendor.so", None, "99", 1)
    ]
    carry = BY_NAME + "result = modules.carry(Paths(), modules.foreign(Paths(), e['99']), e['%s'])"
    (refused,) = on_box(root, carry % "22")
    assert not refused["carried"]
    assert "'99'" in refused["reason"]
    module.unlink()


def test_what_is_unneeded_goes_with_its_metas_and_nothing_else(root: Path, products: Products) -> None:
    old, new = products.series["99"], products.series["22"]
    inside(root, "ln", "-sfn", f"/usr/lib64/switchroom/engines/{new.prefix_name}", "/etc/switchroom/engine")
    gone = on_box(root, "result = packages.prune(Paths(), packages.unneeded(Paths()))")
    assert [name.split("-99")[0] for name in gone] == [
        old.meta,
        f"{old.meta}-odbc",
        old.engine,
        f"{old.engine}-odbc",
    ]
    assert inside(root, "rpm", "-q", "asterisk-common", new.engine, new.meta).returncode == 0
    assert b"asterisk" not in inside(root, "dnf", "-y", "autoremove").stdout
