"""Roots of the Debian suites nearest to a release of Enterprise Linux, and box code's tests run in them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

import jsonschema
import yaml

from lab.base import ensure
from lab.recipe import HERE, Recipe, content_key, load_recipe
from switchroom.build.debian.origin import Origin, find_origin
from switchroom.build.workspace import cache_dir
from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import staging
from switchroom.core.process import Result

_CHECKOUT = Path(__file__).resolve().parents[2]
_SECONDS = 30.0
_GONE = (404, 410)
_WORKERS = "4"  # most of the tests wait
# A terminal of their own, because tests open some; all of it ends with the tests.
CONTAIN = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
_PREPARE = (
    'mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts && ln -sf pts/ptmx /dev/ptmx && exec "$@"'
)
_ENVIRONMENT = {
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONPATH": "/wheels:/checkout/src",
}
_TELL = (
    "import platform, rpm, dnf;"
    "print(f'Python {platform.python_version()}, rpm {rpm.__version__}, dnf {dnf.const.VERSION}')"
)


class GoneError(SwitchroomError):
    """The machine's Debian archive does not have the suite any more."""


@dataclass(frozen=True)
class Suite:
    """A Debian suite: the release it is ``near`` to, and what of it that is proved by (``has``).

    ``gcc`` is the major version of its compiler where the engine is to compile with it, else empty.
    """

    name: str
    near: str
    has: str
    gcc: str = ""


def suites() -> list[Suite]:
    """Return the suites of suites.yml."""
    return [Suite(name, **told) for name, told in _data()["suites"].items()]


def ensure_root(suite: Suite) -> Path:
    """Return the folder of a suite's root, made first if this machine does not have it yet.

    As with the lab base, work on a ``scratch_root``. Raises GoneError when it would have to be made and the
    archive has dropped the suite.
    """
    made_of = [_data()["packages"], _data()["provides"]]
    root = cache_dir("lab", "suites", suite.name) / f"root-{content_key()}-{_key(made_of)}"
    if not root.is_dir():
        require_suite(find_origin(), suite)
    return ensure(_recipe(suite.name), root, f"the root of Debian {suite.name}")


def require_suite(origin: Origin, suite: Suite) -> None:
    """Raise GoneError if the archive has no such suite, SwitchroomError if it does not tell."""
    url = f"{origin.uri.rstrip('/')}/dists/{suite.name}/Release"
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS):  # noqa: S310 -- apt's own configuration names it
            return
    except urllib.error.HTTPError as error:
        if error.code in _GONE:
            raise GoneError(
                f"Debian's archive has no suite '{suite.name}' any more.",
                cause=f"Nothing is proved on {suite.has}, the nearest to {suite.near}.",
                hint=f"Choose another suite in '{HERE / 'suites.yml'}'.",
                code=ExitCode.REFUSED,
            ) from None
        cause = str(error)
    except OSError as error:
        cause = str(error)
    raise SwitchroomError(f"Debian's archive does not tell whether it has '{suite.name}'.", cause=cause)


def interpreters(root: Path) -> str:
    """Return what a suite's root has, as in "Python 3.9.2, rpm 4.16.1.2, dnf 4.5.2"."""
    return process.output(["chroot", root, "python3", "-c", _TELL])


def run_tests(root: Path, tests: Sequence[Path]) -> Result[bytes]:
    """Run test files of this checkout in a scratch root, as on a box: the build part is not there.

    ``tests`` are relative to the checkout. The result is pytest's; its last line counts.
    """
    _lay_checkout(root / "checkout")
    shutil.copytree(_wheels(), root / "wheels")
    settings = ["env", "-i", *(f"{name}={value}" for name, value in _ENVIRONMENT.items())]
    pytest = ["python3", "-m", "pytest", "-q", "-n", _WORKERS, "-p", "no:cacheprovider", *tests]
    place = [f"--root={root}", "--wd=/checkout"]
    return process.run([*CONTAIN, *place, *settings, "sh", "-c", _PREPARE, "sh", *pytest], check=False)


def _lay_checkout(target: Path) -> None:
    words = ["git", "-C", _CHECKOUT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in process.run(words).stdout.decode().split("\0"):
        source = _CHECKOUT / name
        if source.is_file() and not name.startswith("src/switchroom/build/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name, follow_symlinks=False)


def _wheels() -> Path:
    wanted = _data()["wheels"]
    folder = cache_dir("lab", "suites") / f"wheels-{_key(wanted)}"
    if not folder.is_dir():
        with staging(folder.parent) as stage:
            fetch = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            kind = ["--no-deps", "--no-compile", "--only-binary=:all:", "--python-version=3.9"]
            process.run([*fetch, *kind, f"--target={stage / 'all'}", *wanted], what="Fetching pytest")
            _settle(stage / "all", folder)
    return folder


def _settle(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another run was faster
            raise


def _recipe(suite: str) -> Recipe:
    data, recipe = _data(), load_recipe()
    provides = {**recipe.provides, "files": data["provides"]}
    return dataclasses.replace(recipe, suite=suite, packages=data["packages"], hide=[], provides=provides)


def _data() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((HERE / "suites.yml").read_text())
    jsonschema.validate(data, json.loads((HERE / "suites.schema.json").read_text()))
    return data


def _key(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
