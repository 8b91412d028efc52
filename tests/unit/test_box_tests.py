"""Which tests run on the interpreters near to Enterprise Linux, and what is said when there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Iterator

import pytest

from lab.suites import GoneError, Suite, require_suite
from support.box_tests import box_tests
from switchroom.build.debian.origin import Origin
from switchroom.core.errors import SwitchroomError

CONFTEST = Path(__file__).parents[1] / "lab" / "conftest.py"
SUITE = Suite("woody", "Enterprise Linux 2.1", "Python 2.1")
TREE = {
    "src/switchroom/__init__.py": "",
    "src/switchroom/box/__init__.py": "",
    "src/switchroom/box/engine.py": "import dnf\nfrom switchroom import box",
    "src/switchroom/build/__init__.py": "",
    "src/switchroom/build/check.py": "import pykickstart",
    "tests/support/plain.py": "import json",
    "tests/support/heavy.py": "def check():\n    import requests",
    "tests/support/builder.py": "from switchroom import build",
}


def tree(root: Path, test: str) -> Path:
    for name, text in {**TREE, "tests/unit/test_one.py": test}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("test", "joins"),
    [
        ("import pytest\nfrom switchroom.box import engine", True),
        ("from support import plain\nimport switchroom.box.engine", True),
        ("import json, pytest", False),
        ("from support.plain import one", False),
        ("from switchroom.box import engine\nfrom switchroom.build import check", False),
        ("from switchroom.box import engine\nfrom support import builder", False),
        ("from switchroom.box import engine\nfrom support.heavy import check", False),
        ("from switchroom.box import engine\ndef test_one():\n    import ansible", False),
    ],
)
def test_a_test_joins_by_what_it_imports(tmp_path: Path, test: str, joins: bool) -> None:
    assert box_tests(tree(tmp_path, test)) == [Path("tests/unit/test_one.py")] * joins


class Archive(BaseHTTPRequestHandler):
    """Has the suite 'woody', unless its server says with what status it has not."""

    def do_GET(self) -> None:
        code = self.server.code if self.path == "/debian/dists/woody/Release" else 418  # type: ignore[attr-defined]
        self.send_response(code)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def archive() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Archive) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(archive: HTTPServer, code: int) -> None:
    archive.code = code  # type: ignore[attr-defined]
    require_suite(Origin(f"http://127.0.0.1:{archive.server_port}/debian/", Path("keyring")), SUITE)


def test_only_an_archive_that_answers_without_the_suite_has_dropped_it(archive: HTTPServer) -> None:
    ask(archive, 200)
    with pytest.raises(GoneError, match="no suite 'woody' any more") as gone:
        ask(archive, 404)
    assert "Python 2.1" in gone.value.cause
    with pytest.raises(SwitchroomError, match="does not tell") as other:
        ask(archive, 503)
    assert not isinstance(other.value, GoneError)
    with pytest.raises(SwitchroomError, match="does not tell") as silent:
        require_suite(Origin("http://127.0.0.1:1/debian", Path("keyring")), SUITE)
    assert not isinstance(silent.value, GoneError)


CASES = """
import pytest

def test_one(record_property) -> None:
    record_property("proved", "Debian woody: 7 passed")

@pytest.fixture
def gone():
    pytest.skip("NOT PROVED: nothing on Python 2.1")

def test_two(gone) -> None:
    pass

def test_three(gone) -> None:
    pass

def test_four() -> None:
    pytest.skip("of no importance")
"""


@pytest.mark.parametrize("workers", ["0", "1"])
def test_the_run_ends_with_what_is_proved_and_what_is_not(tmp_path: Path, workers: str) -> None:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_cases.py").write_text(CASES)
    words = ["-q", "-n", workers, "-p", "no:cacheprovider", os.fspath(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=tmp_path,
        env={**os.environ, "CI": "true", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    proved, unproved = done.stdout.partition("NOT PROVED in this run")[::2]
    assert "Debian woody: 7 passed\n" in proved
    assert unproved.count("nothing on Python 2.1\n") == 1
    assert "of no importance" not in done.stdout
