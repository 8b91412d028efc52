"""What a kickstart installs, who asks for it, and the repositories that are named to check it against."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from support.kickstarts import settings
from switchroom.build.kickstart.packages import parse_addresses, parse_folders, refused, request_of
from switchroom.core.errors import ExitCode, SwitchroomError


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder that looks like a repository."""
    (tmp_path / "re po/repodata").mkdir(parents=True)
    (tmp_path / "re po/repodata/repomd.xml").touch()
    return tmp_path / "re po"


@pytest.mark.parametrize("text", ["epel", "epel=/nonexistent", "=/tmp", "a b=/tmp", "a:b={}", "={}"])
@pytest.mark.parametrize("parse", [parse_folders, parse_addresses])
def test_what_names_no_repository_is_a_usage_error(
    repository: Path, parse: Callable[..., Any], text: str
) -> None:
    with pytest.raises(SwitchroomError, match=r"'--repo .*' does not name a package repository") as caught:
        parse("--repo", [text.format(repository)])
    assert caught.value.code is ExitCode.USAGE


@pytest.mark.parametrize(
    "text", ["x=ftp://example.org/x", "x=https://", "x=https://example.org/a b", "=https://x"]
)
def test_an_address_that_dnf_could_not_read_is_a_usage_error(text: str) -> None:
    with pytest.raises(SwitchroomError, match="does not name a package repository"):
        parse_addresses("--network-repo", [text])


def test_repositories_are_named_by_path_or_address(repository: Path) -> None:
    assert parse_folders("--repo", [f"a={repository}"]) == {"a": repository}
    found = parse_addresses("--network-repo", [f"a={repository}", "b=https://example.org/9/os?x=1"])
    assert found == {"a": repository.as_uri(), "b": "https://example.org/9/os?x=1"}


@pytest.mark.parametrize("el", [9, 10])
def test_all_that_a_choice_in_the_menu_or_the_first_boot_may_install_is_asked_for(el: int) -> None:
    asked = request_of(settings(el=el, packages=["vim-enhanced", "tar"]))
    assert asked.el == el
    assert asked.system["@core"] == asked.system["tar"] == f"'kickstart/defaults.yml', el {el}"
    assert asked.system["vim-enhanced"] == "--package"
    assert asked.ours["asterisk22"] == "the series '22'"
    assert asked.ours["switchroom"] == "'kickstart/defaults.yml', media_packages"
    assert asked.ours["fail2ban-server"] == "the role 'base'"


def test_a_refusal_names_each_package_and_who_asks_for_it() -> None:
    asked = request_of(settings(packages=["vim-enhancd"]))
    error = refused(
        ["vim-enhancd", "@core", "nothing provides a needed by b-1-1.noarch"], asked, "Look again."
    )
    assert error.code is ExitCode.REFUSED
    assert error.message == "No repository provides 3 of the packages that an installation needs."
    assert error.cause.splitlines() == [
        "@core (asked for by 'kickstart/defaults.yml', el 9)",
        "nothing provides a needed by b-1-1.noarch",
        "vim-enhancd (asked for by --package)",
    ]
