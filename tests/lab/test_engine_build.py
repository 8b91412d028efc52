"""The shared packages, built for real: the same bytes in any folder, and what they do to a box."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Dict

import pytest

from lab.roots import inside
from lab.stub import RPM_HOME
from support.specs import CATALOG, SPECS
from switchroom.build import recipes, rpmbuild
from switchroom.build.lookaside import Lookaside
from switchroom.build.recipe import read
from switchroom.catalog.source import PACKAGED
from switchroom.cli.build_documents import documents
from switchroom.core import process
from switchroom.core.files import sha256
from switchroom.core.progress import Reporter

pytestmark = pytest.mark.lab("rpmbuild", "rpm", "debootstrap")

QUIET = Reporter(quiet=True)
EPOCH = 1_700_000_000
KEY = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"
WANTED = ("asterisk-common", "switchroom", "switchroom-release")
BESIDE = ("asterisk-module-macros",)  # of the first one's spec, for build hosts


def _build(target: Path) -> Dict[str, Path]:
    """Build the packages, each in a folder of its own that no other build had; return them by file name."""
    release = recipes.Release(CATALOG, PACKAGED.read_bytes(), KEY, "https://repo.example")
    target.mkdir()
    found: Dict[str, Path] = {}
    for recipe in recipes.shared(SPECS, release, documents(EPOCH), EPOCH):
        if recipe.name not in WANTED:
            continue
        with rpmbuild.build(read(recipe, Lookaside(target, QUIET)), EPOCH, 1) as built:
            for package in built.packages:
                found[package.name] = Path(shutil.copy2(package, target))
    return found


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Path]:
    return _build(tmp_path_factory.mktemp("packages") / "first")


@pytest.fixture
def box(lab_root: Path, packages: Dict[str, Path]) -> Path:
    """A box that once ran an Asterisk made from source, with our packages installed."""
    modules = lab_root / "usr/lib64/asterisk/modules"
    modules.mkdir(parents=True)
    (modules / "chan_old.so").write_text("from source")
    process.run(["rpm", "--root", lab_root, "--install", *packages.values()], env=RPM_HOME)
    return lab_root


def test_another_folder_gives_the_same_bytes(packages: Dict[str, Path], tmp_path: Path) -> None:
    again = _build(tmp_path / "second")
    assert len(again) == len(WANTED) + len(BESIDE)
    assert {name: sha256(path) for name, path in again.items()} == {
        name: sha256(path) for name, path in packages.items()
    }


def test_an_older_asterisk_is_moved_aside_whole(box: Path) -> None:
    assert (box / "usr/lib64/asterisk/modules").is_symlink()
    moved = box / "usr/lib64/asterisk/modules.before-switchroom/chan_old.so"
    assert moved.read_text() == "from source"


def test_the_user_owns_the_data_and_nobody_else_reads_it(box: Path) -> None:
    listing = inside(box, "stat", "-c", "%U %a %n", "/etc/asterisk", "/var/spool/asterisk/voicemail").stdout
    assert listing.decode().splitlines() == [
        "asterisk 750 /etc/asterisk",
        "asterisk 750 /var/spool/asterisk/voicemail",
    ]


def test_a_preset_enables_the_service_where_the_default_is_off(box: Path) -> None:
    presets = box / "usr/lib/systemd/system-preset"
    for path in presets.glob("*default*.preset"):
        path.unlink()
    (presets / "99-default-disable.preset").write_text("disable *\n")  # EL's name for it
    inside(box, "systemctl", "preset", "asterisk.service")
    assert (box / "etc/systemd/system/multi-user.target.wants/asterisk.service").is_symlink()


def test_systemd_has_no_complaint_about_the_service(box: Path) -> None:
    engine = box / "usr/lib64/switchroom/engines/none/sbin/asterisk"
    engine.parent.mkdir(parents=True)
    engine.symlink_to("/bin/true")
    (box / "etc/switchroom/engine").symlink_to("/usr/lib64/switchroom/engines/none")
    verified = inside(box, "systemd-analyze", "verify", "--man=no", "asterisk.service", check=False)
    assert "asterisk.service" not in verified.stderr.decode()


def test_without_an_engine_the_selector_is_not_there_and_all_goes_away(box: Path) -> None:
    assert not (box / "etc/switchroom/engine").is_symlink()
    process.run(["rpm", "--root", box, "--erase", *WANTED], env=RPM_HOME)
    assert not (box / "usr/sbin/asterisk").is_symlink()


def test_the_tool_runs_on_the_platforms_python_with_the_shipped_catalog(box: Path) -> None:
    shown = inside(box, "/usr/bin/switchroom", "catalog", "show", "22").stdout.decode()
    assert CATALOG.series["22"].version in shown


def test_a_command_that_does_not_exist_yet_says_so_and_changes_nothing(box: Path) -> None:
    done = inside(box, "/usr/sbin/pbx-upgrade", check=False)
    assert done.returncode == 3
    assert "has no 'pbx-upgrade' yet; nothing was changed" in done.stderr.decode()


def test_the_other_name_of_switch_is_the_command_itself(box: Path) -> None:
    shown = inside(box, "/usr/sbin/asterisk-version-switch", "--help").stdout.decode()
    assert shown.startswith("usage: asterisk-version-switch ")
    done = inside(box, "/usr/sbin/asterisk-version-switch", check=False)
    assert done.returncode == 2
    assert "No target was named." in done.stderr.decode()
