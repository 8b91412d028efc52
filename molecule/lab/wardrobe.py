"""What a box wears over the lab base: the repositories of an EL major, and for another major its name.

The base itself says that it is Rocky 9. A box of the dress ``el10`` says Rocky 10, to programs and to rpm.
"""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Dict

from lab import accounts
from lab.base import ensure_base
from lab.dressing import dress_files
from lab.layers import ensure_layer
from lab.namespaces import Namespaces
from lab.recipe import HERE, Recipe, load_recipe
from lab.roots import scratch_root
from lab.rpms.model import DRESSES
from lab.rpms.publish import KEY
from lab.stub import RPM_HOME, install_stub
from switchroom.build.keys import development_key
from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError

_REPOSITORIES = HERE / "dress-lab.repo"
_RELEASES = {"el9": "9.8", "el10": "10.2"}


def dress_layer(dress: str) -> Path:
    """Return the layer that dresses a box as ``el9`` or ``el10``, made first if it is not cached.

    Show the box ``lab.rpms.bind(dress)`` too: the layer's .repo file says that the packages are there.
    """
    if dress not in DRESSES:
        known = " and ".join(DRESSES)
        raise SwitchroomError(f"The lab has no dress '{dress}', only {known}.", code=ExitCode.USAGE)

    def fill(life: Namespaces, root: Path) -> None:
        inside = life.path(root)
        for source, target in _files(dress).items():
            place = inside / target
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place)
        if _own(dress).is_dir():
            accounts.adopt(inside, _own(dress) / "etc")
            _preset(life, root)
        (inside / "etc/pki/rpm-gpg" / KEY).write_bytes(development_key().export_public())
        if _RELEASES[dress] != load_recipe().release:
            _rename(_recipe(dress), inside / "var/lib/rpm")

    return ensure_layer(_key(dress), (), fill)


def _preset(life: Namespaces, root: Path) -> None:
    """Turn on and off what the dress's presets say; the console, masked in the base, stays as it is."""
    systemctl = ["systemctl", f"--root={root}"]
    listed = life.run([*systemctl, "list-unit-files", "--no-legend", "--state=enabled,disabled"], "mount")
    units = [line.split()[0] for line in listed.stdout.decode().splitlines()]
    wanted = [unit for unit in units if not unit.startswith("getty@")]
    life.run([*systemctl, "preset", *wanted], "mount", what="Setting what starts in a dress")


def _own(dress: str) -> Path:
    """Return the folder of what a dress has beyond the base's; of the base's own major there is none."""
    return HERE / f"dress-{dress}"


def _files(dress: str) -> Dict[Path, Path]:
    """Return the dress's files, and where in a box they go."""
    found = {path: path.relative_to(_own(dress)) for path in dress_files(_own(dress))}
    return {**found, _REPOSITORIES: Path("etc/yum.repos.d/lab.repo")}


def _key(dress: str) -> str:
    digest = hashlib.sha256(f"{dress}\0{development_key().fingerprint}\0".encode())
    own = [(path, path) for path in sorted(_own(dress).rglob("*")) if path.is_file()]
    for source, target in [*_files(dress).items(), *own, (Path(__file__), Path(__file__))]:
        digest.update(f"{target.name}\0".encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _recipe(dress: str) -> Recipe:
    """Return the base's recipe as a base of another major would have it."""
    recipe, release, major = load_recipe(), _RELEASES[dress], dress.removeprefix("el")
    renamed = {
        "base-module(platform:el9)": f"base-module(platform:{dress}) = {release}",
        "system-release(releasever)": f"system-release(releasever) = {major}",
        **{name: f"{name} = {release}" for name in ("redhat-release", "rocky-release", "system-release")},
    }
    capabilities = [renamed.get(word.partition(" ")[0], word) for word in recipe.provides["capabilities"]]
    provides = {**recipe.provides, "capabilities": capabilities}
    return dataclasses.replace(recipe, release=release, provides=provides)


def _rename(recipe: Recipe, database: Path) -> None:
    """Give rpm's ``database`` a stub package of another release; rpm itself works on a scratch root only."""
    with scratch_root(ensure_base()) as root, tempfile.TemporaryDirectory() as work:
        process.run(["rpm", "--root", root, "--erase", "--justdb", "lab-base"], env=RPM_HOME)
        install_stub(root, recipe, Path(work))
        shutil.copytree(root / "var/lib/rpm", database, dirs_exist_ok=True)
