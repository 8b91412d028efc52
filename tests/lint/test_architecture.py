"""The house's arrows: which room may import which, and what a box may import at all."""

import sys
from pathlib import Path

import pytest
import test_lint

from support.box_tests import BOX_LIBRARIES, imports
from switchroom.box import dnf_child

SOURCE = Path(__file__).parents[2] / "src"
FORBIDDEN = {
    "core": {"catalog", "build", "box", "cli"},
    "catalog": {"build", "box", "cli"},
    "build": {"box", "cli"},
    "box": {"build", "cli"},
}
SYSTEM = {"dnf", "libdnf", "rpm"}


@pytest.mark.parametrize("room", sorted(FORBIDDEN))
def test_arrows_between_rooms_run_one_way(room: str) -> None:
    wrong = {
        f"{path.name} imports {name}"
        for path in (SOURCE / "switchroom" / room).rglob("*.py")
        for name in imports(path)
        if name.startswith("switchroom.") and name.split(".")[1] in FORBIDDEN[room]
    }
    assert wrong == set()


def test_box_code_imports_only_what_enterprise_linux_ships() -> None:
    roots = {name.split(".")[0] for file in test_lint.box_files() for name in imports(SOURCE.parent / file)}
    assert roots - sys.stdlib_module_names - BOX_LIBRARIES == {"switchroom"}


def test_nothing_but_the_dnf_child_drives_dnf() -> None:
    """One driver, one signature policy; the image builder installs into a root of its own, by the command."""
    child = Path(dnf_child.__file__).parent
    places = [SOURCE / "switchroom", SOURCE.parent / "plugins"]
    drivers = {
        str(path.relative_to(SOURCE.parent))
        for place in places
        for path in place.rglob("*.py")
        if child not in path.parents and {name.split(".")[0] for name in imports(path)} & {"dnf", "libdnf"}
    }
    assert drivers == {"src/switchroom/build/kickstart/dnf_resolve.py"}  # solves, and installs nothing


def test_the_dnf_child_imports_nothing_but_itself_and_what_the_system_brings() -> None:
    names = {name for path in Path(dnf_child.__file__).parent.glob("*.py") for name in imports(path)}
    ours = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names | SYSTEM}
    assert ours
    assert {name for name in ours if not f"{name}.".startswith("switchroom.box.dnf_child.")} == set()
