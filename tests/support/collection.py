"""The collection as a site gets it: built, installed, and run by Ansible."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Optional

import pytest

ROOT = Path(__file__).parents[2]
PLACE = Path("ansible_collections/switchroom/pbx")
BIN = Path(sys.executable).parent
HERE = ("-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}")


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the collection installed from its artefact."""
    return install(tmp_path_factory.mktemp("collections"))


def install(folder: Path) -> Path:
    """Build the collection, install the artefact below a folder and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(folder), cwd=ROOT)
    (artefact,) = folder.glob("*.tar.gz")
    words = ("--force", "--offline", "-p", str(folder))
    run("ansible-galaxy", "collection", "install", str(artefact), *words)
    return folder


def in_place(folder: Path) -> Path:
    """Return a folder of collections in which ours is the checkout itself."""
    (folder / PLACE).parent.mkdir(parents=True)
    (folder / PLACE).symlink_to(ROOT)
    return folder


def run(tool: str, *words: str, cwd: Optional[Path] = None, check: bool = True, **settings: str) -> str:
    """Run one of Ansible's tools and return what it printed."""
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "false", **settings}
    done = subprocess.run(
        [str(BIN / tool), *words], cwd=cwd, env=environment, check=False, capture_output=True, text=True
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def module(
    collections: Path, name: str, arguments: Dict[str, Any], *words: str, path: Path
) -> Dict[str, Any]:
    """Run one of our modules on this machine, programs of ``path`` first, and return its result."""
    given = ("-a", json.dumps(arguments)) if arguments else ()
    settings = {"PATH": f"{path}:/usr/bin:/bin", "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    what = ("-m", f"switchroom.pbx.{name}", *given, *words)
    said = run("ansible", "localhost", *HERE, *what, check=False, **settings)
    verdict = re.search(r"^localhost \| (?P<word>\w+)!? => ", said, re.MULTILINE)
    assert verdict, said
    result: Dict[str, Any] = json.JSONDecoder().raw_decode(said, verdict.end())[0]
    return {**result, "failed": verdict["word"] == "FAILED", "printed": said}
