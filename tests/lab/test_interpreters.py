"""Box code with the Python, rpm and dnf nearest to Enterprise Linux, in roots of other Debian suites."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Callable

import pytest
from test_box_packages_torn import (
    SEED,
    Moment,
    install_whole,
    prepared,
    test_a_killed_transaction_leaves_no_scriptlet_running,
    test_failing_post_is_an_error_though_the_package_is_there,
    test_failing_pre_is_an_error_though_dnf_says_nothing,
    torn_and_repaired,
)

from lab.roots import scratch_root
from lab.suites import GoneError, Suite, ensure_root, interpreters, run_tests, suites
from support.box_tests import box_tests
from support.small_rpms import key

__all__ = [  # fixtures, and tests that are the same here
    "key",
    "prepared",
    "test_a_killed_transaction_leaves_no_scriptlet_running",
    "test_failing_post_is_an_error_though_the_package_is_there",
    "test_failing_pre_is_an_error_though_dnf_says_nothing",
]
pytestmark = pytest.mark.lab("debootstrap", "dnf", "rpmbuild", "rpmsign", "unshare")

KILLS = 3


@pytest.fixture(scope="module", params=suites(), ids=lambda suite: suite.name)
def suite(request: pytest.FixtureRequest) -> Suite:
    """One of the suites."""
    found: Suite = request.param
    return found


@pytest.fixture(scope="module")
def lab_base(suite: Suite) -> Path:
    """The suite's root in the place of the lab base. A suite that is gone is no failure, but told."""
    try:
        return ensure_root(suite)
    except GoneError as gone:
        pytest.skip(f"NOT PROVED: {gone.message} {gone.cause}")


def test_the_tests_of_box_code_pass(
    suite: Suite, lab_base: Path, record_property: Callable[[str, object], None]
) -> None:
    with scratch_root(lab_base) as root:
        has = interpreters(root)
        done = run_tests(root, box_tests())
    printed = done.stdout.decode()
    assert done.returncode == 0, printed + done.stderr.decode()
    counted = printed.splitlines()[-1]
    record_property("proved", f"Debian {suite.name} ({has}), nearest to {suite.near}: {counted}")


def test_killed_and_installed_again_everything_is_whole(prepared: Path) -> None:
    with scratch_root(prepared) as root:
        steps = install_whole(root)
    dice, torn = random.Random(SEED), 0  # noqa: S311
    for _number in range(KILLS):
        with scratch_root(prepared) as root:
            torn += torn_and_repaired(root, [Moment(dice.randint(1, steps), dice.uniform(0, 0.1))])
    assert torn, f"none of {KILLS} transactions was torn"
