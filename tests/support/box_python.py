"""The box tool's Python on a root: the working copy's code, run by the root's own interpreter in a chroot."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import switchroom
from switchroom.box.packages import TornError
from switchroom.core.errors import ExitCode, SwitchroomError

_PLACE = "usr/share/switchroom/python"
_DRIVER = f"""
import json, sys
sys.path.insert(0, "/{_PLACE}")
from pathlib import Path
from switchroom.box import engines, modules, packages
from switchroom.box.paths import Paths
from switchroom.catalog.convert import to_plain
from switchroom.core.errors import SwitchroomError

KEPT = Path("/var/lib/switchroom/packages")


def bring(version, extras=(), channel=None, build=1, **options):
    found = packages.offers(channel, **options)
    wanted = [o.engine for o in found if (o.engine.version, o.engine.build) == (version, build)]
    return packages.fetch(packages.resolve(wanted[0], extras, channel, **options), KEPT)


def kept():
    return tuple(packages.Kept.from_dict(one) for one in json.loads((KEPT / "kept.json").read_text()))


def keep(files):
    (KEPT / "kept.json").write_text(json.dumps([one.as_dict() for one in files]))
    return files


result = None
try:
    exec(sys.stdin.read())
    print(json.dumps({{"result": to_plain(result)}}, default=str))
except SwitchroomError as error:
    print(json.dumps({{**error.as_dict(), "torn": isinstance(error, packages.TornError)}}))
"""


def install_tool(root: Path) -> None:
    """Put the box's part of the tool where its package puts it."""
    target = root / _PLACE / "switchroom"
    shutil.rmtree(target, ignore_errors=True)
    skip = shutil.ignore_patterns("__pycache__", "build")
    shutil.copytree(Path(switchroom.__file__).parent, target, ignore=skip)


def start(root: Path, code: str) -> subprocess.Popen[str]:
    """Start a piece of Python with ``packages``, ``modules``, ``Paths`` and the driver's helpers at hand."""
    argv = ["chroot", str(root), "/usr/bin/python3", "-IB", "-c", _DRIVER]
    environment = {"HOME": "/root", "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = subprocess.Popen(argv, env=environment, text=True, **pipes)  # type: ignore[call-overload]
    running.stdin.write(code)
    running.stdin.close()
    running.stdin = None
    return running  # type: ignore[no-any-return]


def finish(running: subprocess.Popen[str]) -> Any:
    """Return what the code left in ``result``; raises the SwitchroomError that it raised."""
    printed, complaints = running.communicate(timeout=300)
    assert printed, complaints
    answer = json.loads(printed.splitlines()[-1])
    if "error" not in answer:
        return answer["result"]
    if answer["torn"]:
        raise TornError(answer["error"], answer["cause"])
    raise SwitchroomError(
        answer["error"], cause=answer["cause"], hint=answer["hint"], code=ExitCode(answer["exit_code"])
    )


def on_box(root: Path, code: str) -> Any:
    """Run a piece of Python on the root; see ``start`` and ``finish``."""
    return finish(start(root, code))
