"""Gates the lab: without root or a tool a test is skipped with the reason, but in CI that is a failure."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from lab.base import ensure_base
from lab.roots import scratch_root
from switchroom.core.errors import SwitchroomError

UNPROVED = "NOT PROVED:"  # begins the reason of a skip that must not be passed over

# With several workers the longest files come first, else one of them would run alone at the end.
_LONGEST = (
    "test_molecule_roles.py",
    "test_molecule.py",
    "test_collection_inventory.py",
    "test_first_boot.py",
    "test_switch.py",
    "test_image.py",
)


def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    """Put the longest files first."""
    items.sort(
        key=lambda item: _LONGEST.index(name) if (name := item.path.name) in _LONGEST else len(_LONGEST)
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Check what ``@pytest.mark.lab("tool", ...)`` asks for; the mark itself asks for root."""
    lacking = [what for mark in item.iter_markers("lab") for what in _lacking(mark.args)]
    if not lacking:
        return
    reason = f"the lab lacks: {', '.join(lacking)}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; in CI that is a failure, not a skip", pytrace=False)
    pytest.skip(reason)


def pytest_exception_interact(call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Show the evidence that an error of ours carries beside its message."""
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, SwitchroomError):
        report.sections.append(("cause", error.cause))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say with what else the tests of box code passed, and loudly what this run does not prove."""
    reports = [report for kind in ("passed", "skipped") for report in terminalreporter.stats.get(kind, ())]
    proved = [text for report in reports for name, text in report.user_properties if name == "proved"]
    reasons = {report.longrepr[2].partition(": ")[2] for report in reports if report.skipped}
    for title, lines, color in (
        ("Box code passed with", sorted(proved), "green"),
        ("NOT PROVED in this run", sorted(r for r in reasons if r.startswith(UNPROVED)), "red"),
    ):
        if lines:
            terminalreporter.section(title, bold=True, **{color: True})
        for line in lines:
            terminalreporter.write_line(line.removeprefix(UNPROVED).strip(), **{color: True})


def _lacking(tools: tuple[str, ...]) -> list[str]:
    root = [] if os.geteuid() == 0 else ["root"]
    return root + [tool for tool in tools if shutil.which(tool) is None]


@pytest.fixture(scope="session")
def lab_base() -> Path:
    """The read-only lab base, made first if it is not in the cache."""
    return ensure_base()


@pytest.fixture
def lab_root(lab_base: Path) -> Iterator[Path]:
    """A writable copy of the lab base for one test."""
    with scratch_root(lab_base) as root:
        yield root
