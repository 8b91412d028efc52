"""A repository of small packages and a made-up EL medium, for the tests of the installer image.

The medium has EL9's layout and a repository of its own, with tiny packages. Its boot loaders are the lab's:
no EL image is at hand where tests run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from support import distributed_media
from support.small_rpms import EPOCH, QUIET, Shop, Small, build
from switchroom.build.iso import xorriso
from switchroom.build.iso.base import ESP, open_base
from switchroom.build.iso.build import Built, Order, build_iso
from switchroom.build.iso.lab_base import lab_base, write_base
from switchroom.build.iso.origin import Origin
from switchroom.build.iso.verify import verify_iso
from switchroom.build.keys import SigningKey
from switchroom.build.kickstart import site
from switchroom.build.kickstart.defaults import load_defaults
from switchroom.build.workspace import cache_dir
from switchroom.catalog.model import Series, SeriesType
from switchroom.core.files import sha256
from switchroom.core.progress import Reporter

S20 = Series("20", SeriesType.LTS, "20.20.1", "20.20.1", 1)
S22 = Series("22", SeriesType.LTS, "22.10.1", "22.10.1", 1)
S23 = Series("23", SeriesType.STANDARD, "23.4.1", "23.4.1", 1)
FIXTURE = Series("99", SeriesType.FIXTURE, "99.0.0", "22.10.1", 1)


def fill(shop: Shop, folder: Path, series: Sequence[Series], release: str = "1.lab", el: int = 9) -> None:
    """Publish to the testing channel of an EL major what a medium for these series carries."""
    shared = [Small(name, release=release) for name in load_defaults().media_packages]
    metas = [Small(one.meta, release=release, requires=[one.engine]) for one in series]
    engines = [Small(one.engine, release=release, requires=["libedit"]) for one in series]
    build(folder, *shared, *metas, *engines)
    shop.publish(folder / "rpms" / "noarch", el=el)


def order(shop: Shop, out: Path, **changes: object) -> Order:
    """Return an order on the lab's base for series 22 and 99, with these changes."""
    settings: Dict[str, object] = {
        "base": "lab",
        "out": out,
        "repo_root": shop.root,
        "channel": "testing",
        "series": (S22, FIXTURE),
        "key": shop.key,
        "epoch": EPOCH,
        **changes,
    }
    settings["base"] = Origin(settings["base"]) if isinstance(settings["base"], str) else settings["base"]
    return Order(**settings)  # type: ignore[arg-type]


def make(shop: Shop, out: Path, reporter: Reporter = QUIET, **changes: object) -> Built:
    """Build an image."""
    return build_iso(order(shop, out, **changes), reporter)


def repository(folder: Path, *packages: Small, key: Optional[SigningKey] = None) -> Path:
    """Make a repository of packages in ``folder``, which ``key`` signs if there is one."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        for rpm in build(Path(scratch), *packages):
            shutil.copy(rpm, folder)
    if key:
        key.sign_rpms(sorted(folder.glob("*.rpm")), EPOCH)
    subprocess.run(["createrepo_c", "-q", folder], check=True)
    return folder


class Told(Reporter):
    """Keeps what a build says."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.text = ""
        self.warnings: List[str] = []

    def say(self, text: str) -> None:
        self.text += text + "\n"

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        self.say(text)


@dataclass(frozen=True)
class Medium:
    """What a made-up medium differs in from a good one.

    ``kind`` is what it is: a ``dvd`` or ``minimal`` ISO of two sessions, as distributions make them; a
    ``boot`` ISO, which has no ``.treeinfo``; or ``flat``, a DVD as it is made in one go. ``distribution`` has
    its packages; without it they are made.
    """

    family: str = "Rocky Linux"
    version: str = "9.6"
    arch: str = "x86_64"
    kind: str = "flat"
    without: Sequence[str] = ()  # files and folders of the layout left out
    distribution: Optional[Path] = None
    packages: Sequence[str] = ("libedit",)
    groups: bool = True  # whether its repository has comps
    joliet: bool = True  # whether a flat one has a tree for Windows
    extra: Sequence[str] = ()  # more words for xorriso
    label: str = "EL-9-6-x86_64-dvd"
    files: Mapping[str, bytes] = field(default_factory=dict)  # added or replaced

    @property
    def major(self) -> str:
        """The major of the layout."""
        return "10" if self.version.startswith("10") else "9"

    @property
    def repository(self) -> str:
        """The folder of its packages."""
        return "Minimal" if self.kind == "minimal" else "BaseOS"


def el_medium(folder: Path, medium: Medium = Medium()) -> Path:
    """Write a made-up EL medium and return its path."""
    tree, image = folder / "tree", folder / "el.iso"
    lab = open_base(lab_base(cache_dir("iso"), medium.major))
    names = [name for name in lab.files if name not in medium.without and name != "isolinux/boot.cat"]
    xorriso.extract(lab.path, {name: tree / name for name in names})
    if medium.kind != "boot" and "BaseOS" not in medium.without:
        _add_repository(tree / medium.repository, medium)
    for name, content in medium.files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    treeinfo = tree / ".treeinfo"
    if treeinfo.is_file():
        treeinfo.write_text(_treeinfo(medium, sha256(tree / ESP)))
    if medium.kind == "flat":
        write_base(tree, image, medium.label, medium.extra, joliet=medium.joliet)
    else:
        distributed_media.write(tree, image, medium)
    return image


def _add_repository(folder: Path, medium: Medium) -> None:
    if medium.distribution:
        shutil.copytree(medium.distribution, folder, copy_function=os.link)
    else:
        distribution(folder, int(medium.major), medium.packages, medium.groups)


def distribution(folder: Path, el: int, packages: Sequence[str] = ("libedit",), groups: bool = True) -> Path:
    """Make a repository of tiny packages with the names that a kickstart and the roles ask for; return it."""
    system = load_defaults().major(el).packages
    wanted = {"core-shell", *system, *packages, *site.packages(el, {})} - {"switchroom"}
    repository(folder, *(Small(name, release=f"1.el{el}") for name in sorted(wanted) if name[0] != "@"))
    if groups:
        comps = folder.with_name("comps.xml")
        comps.write_text(_COMPS)
        subprocess.run(["createrepo_c", "-q", "-g", comps, folder], check=True)
        comps.unlink()
    return folder


def _treeinfo(medium: Medium, digest: str) -> str:
    # As Rocky's minimal ISO has it.
    family = f"{medium.family} Minimal" if medium.kind == "minimal" else medium.family
    return f"""[general]
family = {family}
version = {medium.version}
arch = {medium.arch}
[checksums]
{ESP} = sha256:{digest}
[variant-{medium.repository}]
repository = {medium.repository}
packages = {medium.repository}/Packages
"""


_COMPS = """<?xml version="1.0"?>
<comps><group><id>core</id><name>Core</name><uservisible>false</uservisible><packagelist>
<packagereq type="mandatory">core-shell</packagereq></packagelist></group></comps>
"""


def verified(image: Path, key: SigningKey) -> Tuple[str, ...]:
    """Return what verification finds wrong with an image."""
    return verify_iso(image, key.export_public(), QUIET).problems
