"""ansible-test's sanity tests of the collection, as far as they run without a network.

The others (ansible-doc, import, pep8, pylint, runtime-metadata, validate-modules, yamllint) make environments
of their own, with packages from the network.
"""

from __future__ import annotations

import sys
from pathlib import Path

from support.collection import PLACE, install, run

OFFLINE = (
    "action-plugin-docs",
    "compile",
    "empty-init",
    "ignores",
    "line-endings",
    "no-assert",
    "no-get-exception",
    "no-illegal-filenames",
    "no-smart-quotes",
    "replace-urlopen",
    "shebang",
    "symlinks",
    "use-argspec-type-path",
    "use-compat-six",
)


def test_sanity(tmp_path: Path) -> None:
    place = install(tmp_path) / PLACE
    tests = [word for name in OFFLINE for word in ("--test", name)]
    version = ".".join(map(str, sys.version_info[:2]))
    run("ansible-test", "sanity", "--color", "no", "--python", version, *tests, cwd=place)
