"""The lab base is made once, whole or not at all. What it is made of is tested in tests/lab."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import base, recipe
from switchroom.core.progress import Reporter

QUIET = Reporter(quiet=True)


class Making:
    """Stands in for debootstrap and what follows: counts, and fails when told to."""

    def __init__(self) -> None:
        self.made = 0
        self.fails = False

    def debootstrap(self, _recipe: recipe.Recipe, root: Path, _log: Path) -> None:
        root.mkdir()
        self.made += 1
        if self.fails:
            raise OSError("out of space")

    def dress(self, root: Path, _recipe: recipe.Recipe) -> None:
        assert root.is_dir()

    def install_stub(self, root: Path, _recipe: recipe.Recipe, work: Path) -> None:
        assert root.parent == work
        (root / "whole").touch()


@pytest.fixture
def making(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Making:
    making = Making()
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path))
    monkeypatch.setattr(base, "_debootstrap", making.debootstrap)
    monkeypatch.setattr(base, "dress", making.dress)
    monkeypatch.setattr(base, "install_stub", making.install_stub)
    return making


def test_callers_at_the_same_time_share_one_build(making: Making) -> None:
    with ThreadPoolExecutor(4) as pool:
        bases = set(pool.map(lambda _: base.ensure_base(QUIET), range(8)))
    assert making.made == 1
    assert [(found / "whole").is_file() for found in bases] == [True]


def test_a_failed_build_leaves_nothing_and_the_next_one_succeeds(making: Making, tmp_path: Path) -> None:
    making.fails = True
    with pytest.raises(OSError, match="out of space"):
        base.ensure_base(QUIET)
    assert [path.name for path in (tmp_path / "lab").iterdir()] == [".lock"]
    making.fails = False
    assert (base.ensure_base(QUIET) / "whole").is_file()


def test_what_a_killed_build_left_is_removed(making: Making, tmp_path: Path) -> None:
    left = tmp_path / "lab" / ".staging-dead" / "root"
    left.mkdir(parents=True)
    base.ensure_base(QUIET)
    assert not left.parent.exists()


@pytest.mark.parametrize("name", ["recipe.yml", "dress/etc/rocky-release", "stub.py"])
def test_a_change_of_what_it_is_made_of_makes_a_new_base(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = recipe.content_key()
    copy = tmp_path / "lab"
    for path in recipe._ingredient_files():
        target = copy / path.relative_to(recipe.HERE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    monkeypatch.setattr(recipe, "HERE", copy)
    assert recipe.content_key() == before
    (copy / name).write_bytes((copy / name).read_bytes() + b"#")
    assert recipe.content_key() != before
