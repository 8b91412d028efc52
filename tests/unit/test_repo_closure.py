"""The closure check, on packages made of nothing but their metadata."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Sequence, Tuple

from switchroom.build.repo.closure import Capabilities, check_closure
from switchroom.build.repo.metadata import RepoPackage

Entry = Tuple[str, str, str, str, str]


def package(
    name: str, needs: Sequence[Entry] = (), files: Sequence[str] = (), version: str = "1"
) -> RepoPackage:
    record = SimpleNamespace(
        name=name,
        epoch="0",
        version=version,
        release="1",
        arch="noarch",
        requires=needs,
        provides=[(name, "EQ", "0", version, "1")],
        files=[("", f"{Path(path).parent}/", Path(path).name) for path in files],
    )
    return RepoPackage(Path("x.rpm"), record)


def need(name: str, flags: str = "", version: str = "") -> Entry:
    return (name, flags, "0", version, "")


def test_a_requirement_met_inside_the_set_is_no_finding() -> None:
    packages = [
        package("a", [need("b", "GE", "1"), need("/usr/bin/tool")]),
        package("b", files=["/usr/bin/tool"]),
    ]
    closure = check_closure(packages, Capabilities(packages), [])
    assert (closure.broken, closure.left_to_base) == ([], [])


def test_what_is_ours_must_be_in_the_set_whatever_the_base_offers() -> None:
    ours = Capabilities([package("b")])
    assert check_closure([package("a", [need("b")])], ours, []).broken == ["b (needed by a-1-1.noarch)"]


def test_a_base_cannot_stand_in_for_what_is_ours() -> None:
    base = Capabilities([package("asterisk-common"), package("b")])
    packages = [package("a", [need("asterisk-common"), need("b")])]
    closure = check_closure(packages, Capabilities([package("b")]), [base])
    assert len(closure.broken) == 2


def test_a_package_of_ours_that_was_never_published_breaks_it() -> None:
    packages = [package("a", [need("asterisk-common"), need("asterisk-common")])]
    closure = check_closure(packages, Capabilities(packages), [])
    assert closure.broken == ["asterisk-common (needed by a-1-1.noarch)"]


def test_a_version_of_ours_that_the_set_lacks_breaks_it() -> None:
    packages = [package("a", [need("b", "EQ", "2")]), package("b", version="1")]
    assert check_closure(packages, Capabilities(packages), []).broken == ["b = 2 (needed by a-1-1.noarch)"]


def test_what_is_not_ours_is_left_to_the_base_unless_a_base_is_given() -> None:
    packages = [package("a", [need("glibc", "GE", "2.34")]), package("c", [need("glibc", "GE", "2.34")])]
    line = "glibc >= 2.34 (needed by a-1-1.noarch, c-1-1.noarch)"
    ours = Capabilities(packages)
    assert check_closure(packages, ours, []).left_to_base == [line]
    assert check_closure(packages, ours, [Capabilities([])]).broken == [line]
    met = check_closure(packages, ours, [Capabilities([package("glibc", version="2.34")])])
    assert (met.broken, met.left_to_base) == ([], [])


def test_rpms_own_and_rich_requirements_break_nothing() -> None:
    packages = [package("a", [need("rpmlib(FileDigests)", "LE", "4.6.0"), need("(x if y)")])]
    closure = check_closure(packages, Capabilities(packages), [Capabilities([])])
    assert closure.broken == []
    assert closure.left_to_base == ["(x if y) (needed by a-1-1.noarch)"]
