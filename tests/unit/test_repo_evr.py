"""Versions compare as rpm's own table says (rpm's tests/rpmvercmp.at)."""

from __future__ import annotations

import pytest

from switchroom.build.repo.evr import Dependency, Evr, compare_versions


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        ("1.0", "1.0", 0),
        ("1.0", "2.0", -1),
        ("2.0.1", "2.0", 1),
        ("2.0.1a", "2.0.1", 1),
        ("5.5p1", "5.5p10", -1),
        ("10xyz", "10.1xyz", -1),
        ("xyz10", "xyz10.1", -1),
        ("xyz.4", "8", -1),
        ("5.5p2", "5.6p1", -1),
        ("6.0.rc1", "6.0", 1),
        ("10b2", "10a1", 1),
        ("1.0a", "1.0aa", -1),
        ("10.0001", "10.1", 0),
        ("10.0001", "10.0039", -1),
        ("4.999.9", "5.0", -1),
        ("20101121", "20101122", -1),
        ("2_0", "2_0", 0),
        ("2.0", "2_0", 0),
        ("1.0~rc1", "1.0", -1),
        ("1.0~rc1", "1.0~rc2", -1),
        ("1.0~rc1~git123", "1.0~rc1", -1),
        ("1.0^", "1.0", 1),
        ("1.0^git1", "1.0^git2", -1),
        ("1.0^git1", "1.01", -1),
        ("1.0^20160101", "1.0.1", -1),
        ("1.0~rc1^git1", "1.0~rc1", 1),
        ("1.0^git1~pre", "1.0^git1", -1),
        ("22.8cert4", "22.8cert10", -1),
        ("22.10.1", "22.9.3", 1),
    ],
)
def test_versions_compare_as_rpm_does(left: str, right: str, order: int) -> None:
    assert compare_versions(left, right) == order
    assert compare_versions(right, left) == -order


def provide(version: str, release: str = "", epoch: str = "0") -> Dependency:
    return Dependency("x", "EQ", Evr(epoch, version, release))


@pytest.mark.parametrize(
    ("flags", "version", "release", "met"),
    [
        (None, "", "", True),
        ("EQ", "2.0", "", True),
        ("EQ", "2.0", "3", True),
        ("EQ", "2.0", "4", False),
        ("GE", "2.0", "", True),
        ("GE", "2.1", "", False),
        ("GT", "2.0", "", False),
        ("GT", "1.9", "", True),
        ("LT", "2.0", "3", False),
        ("LT", "2.0", "4", True),
        ("LE", "2.0", "3", True),
        ("LE", "1.0", "", False),
    ],
)
def test_a_requirement_is_met_by_the_versions_it_names(
    flags: str, version: str, release: str, met: bool
) -> None:
    need = Dependency("x", flags, Evr("", version, release))
    assert need.satisfied_by(provide("2.0", "3")) is met


def test_an_epoch_outranks_any_version() -> None:
    need = Dependency("x", "GE", Evr("1", "1.0", ""))
    assert not need.satisfied_by(provide("9.0"))
    assert need.satisfied_by(provide("1.0", epoch="1"))


def test_a_bare_provide_meets_no_versioned_requirement() -> None:
    bare = Dependency("x", None, Evr("", "", ""))
    assert not Dependency("x", "GE", Evr("0", "1", "")).satisfied_by(bare)
    assert Dependency("x", None, Evr("", "", "")).satisfied_by(bare)


def test_a_requirement_reads_as_in_a_spec_file() -> None:
    assert str(Dependency("x", "GE", Evr("0", "1.0", "2"))) == "x >= 1.0-2"
    assert str(Dependency("x", "EQ", Evr("3", "1.0", ""))) == "x = 3:1.0"
