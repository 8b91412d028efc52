"""What fits together, and the reason for every refusal."""

from __future__ import annotations

import datetime
from typing import Any, Dict

import pytest

from support.frozen import FROZEN
from switchroom.catalog.fit import Combination, Fit, check_fit
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Catalog
from switchroom.catalog.versions import VersionRange, at_least
from switchroom.core.errors import ExitCode, SwitchroomError

TODAY = datetime.date(2026, 11, 22)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(FROZEN)


def fit(catalog: Catalog, **wanted: str) -> Fit:
    return check_fit(catalog, Combination(**wanted), TODAY)


@pytest.mark.parametrize(
    "wanted",
    [
        {"freepbx": "17", "asterisk": "22", "php": "8.2", "node": "20", "el": "9"},
        {"freepbx": "17", "asterisk": "22.10.1", "php": "8.2.29"},
        {"freepbx": "17", "asterisk": "18"},
        {"freepbx": "17", "asterisk": "23", "framework": "17.0.21.7"},
        {"freepbx": "17", "el": "8"},
        {"freepbx": "16", "php": "7.4", "el": "8"},
        {"freepbx": "16", "asterisk": "20"},
        {"freepbx": "13", "asterisk": "16"},
        {"php": "8.3", "el": "10"},
        {"asterisk": "23", "el": "10"},
    ],
)
def test_fits(catalog: Catalog, wanted: Dict[str, Any]) -> None:
    assert fit(catalog, **wanted).refusals == ()


@pytest.mark.parametrize(
    ("wanted", "reasons"),
    [
        (
            {"freepbx": "17", "asterisk": "22", "el": "10"},
            ["FreePBX 17 needs PHP 8.2 exactly, which EL 10 does not have; it has 8.3 and 8.4."],
        ),
        (
            {"freepbx": "17", "php": "8.2", "el": "10"},
            ["EL 10 has no PHP 8.2; it has 8.3 and 8.4.", "FreePBX 17 needs PHP 8.2 exactly, which EL 10"],
        ),
        ({"freepbx": "17", "php": "8.3"}, ["FreePBX 17 needs PHP 8.2 exactly, not 8.3."]),
        ({"freepbx": "17", "php": "8.1"}, ["FreePBX 17 needs PHP 8.2 exactly, not 8.1."]),
        (
            {"freepbx": "17", "asterisk": "16"},
            ["FreePBX 17 accepts Asterisk 18, 19, 20, 21, 22 and 23; 16 is not among them."],
        ),
        (
            {"freepbx": "17", "asterisk": "23", "framework": "17.0.21.6"},
            ["FreePBX 17 accepts Asterisk 23 only from framework 17.0.21.7 on; this one is 17.0.21.6."],
        ),
        ({"freepbx": "16", "asterisk": "21"}, ["21 is not among them"]),
        ({"freepbx": "16", "el": "9"}, ["FreePBX 16 needs PHP 7.4 exactly, which EL 9 does not have"]),
        ({"freepbx": "16", "node": "6"}, ["FreePBX 16 needs Node.js 8 or later, not 6."]),
        ({"freepbx": "15", "php": "7.3"}, ["FreePBX 15 needs PHP 5.6 to 7.2, not 7.3."]),
        ({"node": "20", "el": "10"}, ["EL 10 has no Node.js 20; it has 22 and 24."]),
    ],
)
def test_every_refusal_carries_its_reason(
    catalog: Catalog, wanted: Dict[str, Any], reasons: list[str]
) -> None:
    verdict = fit(catalog, **wanted)
    assert not verdict.fits
    assert len(verdict.refusals) == len(reasons)
    for reason, words in zip(verdict.refusals, reasons):
        assert words in reason


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"freepbx": "17", "asterisk": "23"}, "only from framework 17.0.21.7 on"),
        ({"freepbx": "17", "asterisk": "21"}, "reached its end of life on 2026-10-18"),
        ({"freepbx": "17", "el": "9"}, "made for Debian 12"),
        ({"freepbx": "16", "asterisk": "20"}, "unverified"),
        ({"asterisk": "certified-22.8", "el": "9"}, "no known end of life"),
        ({"node": "20", "el": "9"}, "Node.js 20 on EL 9 reached its end of life on 2026-04-30"),
        ({"php": "8.4", "el": "9"}, "PHP 8.4 on EL 9 is unverified"),
        ({"freepbx": "15", "el": "8"}, "EL 8 has only 7.2, past its end of life"),
    ],
)
def test_what_works_unsupported_or_unproved_warns(
    catalog: Catalog, wanted: Dict[str, Any], words: str
) -> None:
    verdict = fit(catalog, **wanted)
    assert verdict.fits
    assert any(words in warning for warning in verdict.warnings)


@pytest.mark.parametrize(
    ("wanted", "message", "known"),
    [
        ({"freepbx": "18", "el": "9"}, "no FreePBX '18'", "13, 14, 15, 16 and 17"),
        ({"el": "7", "php": "8.2"}, "no EL '7'", "8, 9 and 10"),
        ({"asterisk": "25", "el": "9"}, "no Asterisk series or version '25'", "'22' (22.10.1)"),
    ],
)
def test_unknown_names_list_the_known_ones(
    catalog: Catalog, wanted: Dict[str, Any], message: str, known: str
) -> None:
    with pytest.raises(SwitchroomError, match=message) as caught:
        fit(catalog, **wanted)
    assert known in caught.value.hint
    assert caught.value.code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("low", "high", "version", "admitted"),
    [
        ("8.2", "8.2", "8.2.29", True),
        ("8.2", "8.2", "8.20", False),
        ("8", None, "8.0.0", True),
        ("8.0.0", None, "8", True),
        ("8.0.0", None, "10", True),
        (None, "7.2", "7.10", False),
        (None, None, "5", True),
    ],
)
def test_version_ranges(low: str, high: str, version: str, admitted: bool) -> None:
    assert VersionRange(low, high).admits(version) is admitted


def test_module_versions_compare_by_number() -> None:
    assert at_least("17.0.21.10", "17.0.21.7")
    assert not at_least("17.0.9", "17.0.21.7")
