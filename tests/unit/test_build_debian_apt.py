"""apt for another suite: its own state, its own sources, its errors in a few words."""

import os
from pathlib import Path
from typing import List, Sequence

import pytest

from switchroom.build.debian.apt import Suite, upstream_version
from switchroom.build.debian.origin import Origin
from switchroom.core import process
from switchroom.core.errors import SwitchroomError


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite("sid", Origin("http://mirror.example/debian", Path("/keys/debian.gpg")), tmp_path / "state")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> List[List[str]]:
    """Record command lines; apt-cache answers with two versions."""
    made: List[List[str]] = []

    def run(argv: Sequence[str], **_options: object) -> process.Result[bytes]:
        made.append(list(argv))
        listing = (
            b"Package: asterisk\nVersion: 1:22.9.0+dfsg-1\n\nPackage: asterisk\nVersion: 1:22.10.1+dfsg-1\n"
        )
        return process.Result(argv, 0, listing if argv[0] == "apt-cache" else b"", b"")

    monkeypatch.setattr(process, "run", run)
    return made


def test_update_fails_loudly_and_leaves_the_machine_alone(
    suite: Suite, calls: List[List[str]], tmp_path: Path
) -> None:
    suite.update()
    state = tmp_path / "state"
    expected = {
        f"Dir::Etc::sourcelist={state}/sources.list",
        "Dir::Etc::sourceparts=/dev/null",
        "Dir::Etc::preferences=/dev/null",
        "Dir::Etc::preferencesparts=/dev/null",
        f"Dir::State::lists={state}/lists",
        f"Dir::State::status={state}/status",
        f"Dir::Cache={state}/cache",
        "Acquire::Languages=none",
        "Acquire::Retries=2",
    } | ({"APT::Sandbox::User=root"} if os.geteuid() == 0 else set())
    (argv,) = calls
    assert argv[:2] == ["apt-get", "-q"]
    assert argv[-3:] == ["update", "-o", "APT::Update::Error-Mode=any"]
    assert set(argv[3:-3:2]) == expected
    assert (state / "sources.list").read_text() == (
        "deb [signed-by=/keys/debian.gpg] http://mirror.example/debian sid main\n"
        "deb-src [signed-by=/keys/debian.gpg] http://mirror.example/debian sid main\n"
    )


def test_newest_source_version_by_number_not_by_letter(suite: Suite, calls: List[List[str]]) -> None:
    assert suite.source_version("asterisk") == "1:22.10.1+dfsg-1"
    assert calls[0][-3:] == ["showsrc", "--only-source", "asterisk"]


def test_source_is_downloaded_but_not_unpacked(suite: Suite, calls: List[List[str]], tmp_path: Path) -> None:
    suite.download_source("asterisk", "1:22.10.1+dfsg-1", tmp_path)
    assert calls[0][-3:] == ["source", "--download-only", "asterisk=1:22.10.1+dfsg-1"]


def test_error_shows_what_apt_said_and_nothing_else(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(argv: Sequence[str], **_options: object) -> process.Result[bytes]:
        return process.Result(argv, 100, b"Hit:1 list\n", b"E: The repository is not signed.\nReading...")

    monkeypatch.setattr(process, "run", run)
    with pytest.raises(SwitchroomError) as caught:
        suite.update()
    assert caught.value.cause == "E: The repository is not signed."


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [("1:22.10.1+dfsg+~cs6.17.60671434-1", "22.10.1"), ("1.6.1-1", "1.6.1"), ("2.03-1.1", "2.03")],
)
def test_upstream_part_of_a_debian_version(debian: str, upstream: str) -> None:
    assert upstream_version(debian) == upstream
