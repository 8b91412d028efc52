"""The medium: the lab's boot loaders, and repositories with a system that can be installed."""

from __future__ import annotations

import configparser
import hashlib
import shutil
from pathlib import Path

from lab import rpms
from lab.bootable.package import package
from lab.bootable.tree import HERE, lay_out, load_system
from lab.recipe import content_key
from lab.rpms import distribution
from lab.rpms.ansible import ansible_core
from lab.rpms.distribution import DRESS
from lab.rpms.publish import KEY
from switchroom.build import labmedia
from switchroom.build.iso import xorriso
from switchroom.build.iso.base import open_base
from switchroom.build.iso.lab_base import lab_base, write_base
from switchroom.build.keys import development_key
from switchroom.build.workspace import cache_dir
from switchroom.core import lock
from switchroom.core.files import staging

_SECONDS = 1800.0
_GROUPS = """<?xml version="1.0"?>
<comps><group><id>core</id><name>Core</name><uservisible>false</uservisible><packagelist>
<packagereq type="mandatory">lab-system</packagereq></packagelist></group></comps>
"""


def medium() -> Path:
    """Return the medium as an ISO, made first if it is not kept (a minute); nobody may write to it."""
    folder = cache_dir("lab", "bootable")
    image = folder / f"{_key()}.iso"
    with lock.exclusive(folder / ".lock", what="the lab's bootable medium", wait=_SECONDS):
        if not image.is_file():
            for old in folder.glob("*.iso"):
                old.unlink()
            with staging(folder) as scratch:
                _make(scratch).replace(image)
    return image


def _key() -> str:
    parts = [
        content_key(),
        rpms.repository(DRESS).name,
        ansible_core(DRESS).parent.parent.name,
    ]
    parts += [labmedia.kernel_package(cache_dir("lab")).name, development_key().fingerprint]
    digest = hashlib.sha256("\0".join(parts).encode())
    for path in (*sorted(path for path in HERE.iterdir() if path.is_file()), Path(distribution.__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _make(scratch: Path) -> Path:
    system, root, tree = load_system(), scratch / "root", scratch / "tree"
    kernel = lay_out(system, root, scratch / "work")
    boot = open_base(lab_base(cache_dir("iso"), "9"))
    xorriso.extract(boot.path, {name: tree / name for name in boot.files if name != "isolinux/boot.cat"})
    shutil.copyfile(rpms.repository(DRESS) / KEY, tree / KEY)
    (scratch / "groups.xml").write_text(_GROUPS)
    built = package(system, root, kernel, scratch)
    distribution.lay_out(tree, more=[built], groups=scratch / "groups.xml")
    _add_to_treeinfo(tree / ".treeinfo")
    write_base(tree, scratch / "new.iso", "Switchroom Lab System 9")
    return scratch / "new.iso"


def _add_to_treeinfo(path: Path) -> None:
    tree = configparser.ConfigParser(interpolation=None)
    tree.read_string(path.read_text())
    for name in ("BaseOS", "AppStream"):
        tree[f"variant-{name}"] = {"repository": name, "packages": f"{name}/Packages"}
    with path.open("w") as stream:
        tree.write(stream)
