"""A lab test that cannot run says why: skipped on a desk, failed in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "lab" / "conftest.py"
CASE = """
import pytest

@pytest.mark.lab("no-such-tool")
def test_never_runs() -> None:
    raise AssertionError
"""


@pytest.mark.parametrize(("ci", "word", "code"), [("true", "ERROR", 1), ("", "SKIPPED", 0)])
def test_a_missing_tool_is_a_skip_and_in_ci_a_failure(tmp_path: Path, ci: str, word: str, code: int) -> None:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_case.py").write_text(CASE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = lab: as in the project\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rsE", os.fspath(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    summary = " ".join(done.stdout.split())
    assert done.returncode == code, done.stdout
    assert word in summary
    assert "no-such-tool" in summary
