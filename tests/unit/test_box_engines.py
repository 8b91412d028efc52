"""Which engines stand on a box, and which one is selected."""

from __future__ import annotations

from pathlib import Path

from switchroom.box import engines
from switchroom.box.paths import Paths


def stand(paths: Paths, name: str) -> engines.Engine:
    program = paths.engines / name / "sbin/asterisk"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    found = engines.engine_at(paths.on_box(paths.engines / name))
    assert found
    return found


def test_an_engine_is_known_by_its_prefix(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    certified = stand(paths, "22.8cert4-2")
    assert (certified.version, certified.build, certified.package) == ("22.8cert4", 2, "asterisk22.8cert4_2")
    assert engines.installed(paths) == (certified,)


def test_a_prefix_without_a_program_is_no_engine(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    (paths.engines / "22.10.1-1/modules").mkdir(parents=True)
    assert engines.installed(paths) == ()


def test_selecting_and_remembering_move_one_link_each(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    old, new = stand(paths, "16.28.0-1"), stand(paths, "22.10.1-1")
    engines.select(paths, old)
    engines.remember(paths, old)
    engines.select(paths, new)
    assert engines.active(paths) == new
    assert engines.previous(paths) == old
    assert str(paths.selector.readlink()) == "/usr/lib64/switchroom/engines/22.10.1-1"


def test_a_link_that_leads_nowhere_selects_nothing(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert engines.active(paths) is None
    engines.select(paths, stand(paths, "22.10.1-1"))
    (paths.engines / "22.10.1-1/sbin/asterisk").unlink()
    assert engines.active(paths) is None
