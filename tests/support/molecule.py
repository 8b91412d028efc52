"""What molecule's scenarios need: a repository with the lab's engines, the collection, and boxes that go.

As a program, for a person (as root, in an environment with the project's tools):
    eval "$(python -m support.molecule prepare FOLDER)"; molecule test -s default
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Sequence

import pytest

from lab import registry
from lab.access import lab_key
from lab.boxes import Box
from lab.engines.shelf import Shelf
from lab.freepbx import tarball
from support import collection, pbx
from support.boxes import publish_for_boxes
from support.packages import built_packages
from switchroom.build.keys import development_key
from switchroom.cli.main import report
from switchroom.core.errors import ExitCode, SwitchroomError

_BROKEN = "crashes"
_FREEPBX = "17.0.21.7"
MEMORY = "ansible"
ROOMS = ("src", "molecule", "tests")


def prepare(folder: Path) -> Dict[str, str]:
    """Publish a repository, install the collection, and return the environment that the scenarios need.

    Stable has the current engine and the next version of its series, testing a broken one beside them.
    What molecule remembers of the boxes stays in the folder, so that no earlier run's memory is taken for it.
    """
    products = built_packages()
    shelf = Shelf(products.packages, products.series)
    broken = shelf.broken(_BROKEN)

    def publish(root: Path) -> None:
        publish_for_boxes(root, [*products.packages, *shelf.newer.packages])
        publish_for_boxes(root, broken.packages, stable=False)

    root = published(folder, publish)
    freepbx = tarball.build(folder, _FREEPBX)
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(collection.install(folder / "collections")),
        "ANSIBLE_HOME": str(folder / MEMORY),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(Path.home() / ".ansible/cp"),  # a socket's path has to be short
        "LAB_REPOSITORY": str(root),
        "LAB_FINGERPRINT": development_key().fingerprint,
        "LAB_SSH_KEY": str(lab_key()),
        "LAB_CURRENT": shelf.current.series.version,
        "LAB_NEWER": shelf.newer.series.version,
        "LAB_BROKEN": broken.series.version,
        "LAB_FREEPBX": str(freepbx),
        "LAB_FREEPBX_SHA256": hashlib.sha256(freepbx.read_bytes()).hexdigest(),
        "PYTHONPATH": ":".join(str(collection.ROOT / room) for room in ROOMS),
        "PATH": f"{collection.BIN}:{os.environ['PATH']}",
    }


def published(folder: Path, publish: Callable[[Path], None]) -> Path:
    """Publish to the folder's repository and return it; one with older builds of the packages is made anew.

    What is published never changes, so another build of the same version is refused. Molecule's memory goes
    with the repository: its boxes were made from what is there no more. Raises SwitchroomError (code REFUSED)
    while such a box is up.
    """
    root = folder / "repository"
    stood = root.exists()
    try:
        publish(root)
    except SwitchroomError as error:
        if not stood or error.code is not ExitCode.REFUSED:
            raise
        _refuse_in_use(folder, error)
        print(f"{error.message} '{folder}' is made anew.", file=sys.stderr)
        for old in (root, folder / MEMORY):
            shutil.rmtree(old, ignore_errors=True)
        publish(root)
    return root


def _refuse_in_use(folder: Path, why: SwitchroomError) -> None:
    boxes = [
        box.name for box in registry.records() if any(Path(bind).is_relative_to(folder) for bind in box.binds)
    ]
    if boxes:
        raise SwitchroomError(
            why.message,
            cause=f"'{folder}' cannot be made anew while boxes see it: {', '.join(boxes)}.",
            hint="End their scenarios first: molecule destroy -s NAME",
            code=ExitCode.REFUSED,
        ) from why


def scenario(name: str, environment: Dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a scenario's full test; its boxes are gone afterwards whatever happened."""
    try:
        return subprocess.run(
            ["molecule", "test", "--scenario-name", name],
            cwd=collection.ROOT,
            env={**os.environ, **environment, "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"},
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    finally:
        for record in registry.records():
            if record.owner is None and record.name.startswith(f"molecule-{name}"):
                Box(record).down()


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    """What the scenarios need, prepared once for a file's tests."""
    return prepare(tmp_path_factory.mktemp("molecule"))


def passes(name: str, environment: Dict[str, str]) -> None:
    """Assert that a scenario's full test passes and leaves no box."""
    done = scenario(name, environment)
    assert done.returncode == 0, done.stdout[-12000:]
    assert not [record for record in registry.records() if record.name.startswith(f"molecule-{name}")]


def box_of(host: Any) -> Box:
    """Return the lab box that testinfra's ``host`` is."""
    return Box(registry.find(host.backend.host))


def main(words: Sequence[str]) -> int:
    """Run one of the two commands: ``prepare FOLDER`` or ``configure BOX``."""
    if words[0] == "prepare":
        for name, value in prepare(Path(words[1]).absolute()).items():
            print(f"export {name}={shlex.quote(value)}")
        return 0
    box = Box(registry.find(words[1]))
    pbx.apply(box.root)
    box.run("systemctl", "restart", "asterisk.service")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SwitchroomError as failure:
        sys.exit(report(failure, as_json=False))
