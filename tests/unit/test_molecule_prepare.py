"""What scenarios are prepared from: another build of the same packages takes the place of an older one."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from lab import registry
from lab.registry import Record
from support.molecule import MEMORY, published
from switchroom.build.repo.incoming import clash
from switchroom.core.errors import ExitCode, SwitchroomError


def publishing(content: str) -> Callable[[Path], None]:
    """Publish one package, as repositories do: its content never changes."""

    def publish(root: Path) -> None:
        package = root / "collection-1.0.rpm"
        if package.exists() and package.read_text() != content:
            raise clash(package.name, "one day's build, another day's")
        root.mkdir(parents=True, exist_ok=True)
        package.write_text(content)

    return publish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that was prepared, with a scenario's state."""
    published(tmp_path, publishing("first"))
    (tmp_path / MEMORY / "tmp/molecule.web").mkdir(parents=True)
    return tmp_path


def test_the_same_packages_are_no_reason_to_begin_anew(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published(folder, publishing("first"))
    assert (folder / MEMORY / "tmp/molecule.web").exists()
    assert capsys.readouterr() == ("", "")


def test_another_build_begins_anew_and_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "repository/gone-0.9.rpm").touch()
    root = published(folder, publishing("second"))
    assert {path.name: path.read_text() for path in root.iterdir()} == {"collection-1.0.rpm": "second"}
    assert not (folder / MEMORY).exists()
    printed, said = capsys.readouterr()
    assert printed == "", "a shell evaluates it"
    assert "collection-1.0.rpm" in said
    assert f"'{folder}' is made anew" in said


def test_what_boxes_see_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binds = {str(folder / "repository"): "/srv/repository"}
    boxes = (Record("molecule-web", 2, (), binds, None), Record("other", 3, (), {"/elsewhere": "/srv"}, None))
    monkeypatch.setattr(registry, "records", lambda: boxes)
    with pytest.raises(SwitchroomError) as refused:
        published(folder, publishing("second"))
    assert refused.value.code is ExitCode.REFUSED
    assert "while boxes see it: molecule-web." in (refused.value.cause or "")
    assert (folder / "repository/collection-1.0.rpm").read_text() == "first"
    assert (folder / MEMORY / "tmp/molecule.web").exists()


@pytest.mark.parametrize("code", [ExitCode.FAILED, ExitCode.REFUSED])
def test_what_fails_for_another_reason_fails(tmp_path: Path, code: ExitCode) -> None:
    def publish(root: Path) -> None:
        root.mkdir(exist_ok=True)
        raise SwitchroomError("Not today.", code=code)

    if code is ExitCode.FAILED:
        (tmp_path / "repository").mkdir()
    with pytest.raises(SwitchroomError, match="Not today"):
        published(tmp_path, publish)
