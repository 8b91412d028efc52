"""Boxes as the installer leaves them: from a medium alone, by the real %post scripts, not yet booted."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Dict, Iterator, Sequence

import yaml

from lab.boxes import Box, make_box
from lab.layers import ensure_layer
from lab.namespaces import Namespaces
from lab.rpms.distribution import DRESS, lay_out
from lab.wardrobe import dress_layer
from support.anaconda import POST, write_scripts, write_tool
from support.packages import built_packages
from switchroom.build.iso import content
from switchroom.build.keys import development_key
from switchroom.build.kickstart.render import render
from switchroom.build.kickstart.settings import KickstartSettings, Mode, offers
from switchroom.build.repo import TESTING
from switchroom.build.repo.export import export_media
from switchroom.build.workspace import data_path

_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFdvcmxkV29ybGRXb3JsZFdvcmxkV29ybGRXb3JsZFdv admin@example.org"
# An EL system has it, and the first boot finds no network at all.
_NO_ROUTE = """\
[Unit]
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/usr/sbin/ip route del default
[Install]
WantedBy=sysinit.target
"""


def make_medium(folder: Path, repository: Path, more: Sequence[str] = (), *, ansible: str = DRESS) -> Path:
    """Lay out a medium for series 22 in ``folder`` and write the installation's scripts beside it.

    ``repository`` is published; ``more`` are packages of it that the medium is to carry as well. The
    distribution's part is the lab's EL9, with the ansible-core that the dress ``ansible`` has.
    """
    products = built_packages()
    settings = KickstartSettings(
        el=9,
        mode=Mode.UNATTENDED,
        volume_id="SWITCHROOM LAB 9",
        versions=offers([products.series["22"]]),
        default_version="22",
        ssh_keys=[_KEY],
        offline=True,
    )
    ours, key = folder / "medium/switchroom", development_key()
    ours.mkdir(parents=True)
    names = content.needed(repository, TESTING, [*settings.media_packages, *more], el=settings.el)
    export_media(
        repository, TESTING, ours / "repo", key=key, epoch=products.epoch, el=settings.el, names=names
    )
    (ours / "RPM-GPG-KEY-switchroom").write_bytes(key.export_public())
    (ours / "manifest.json").write_text("{}\n")
    lay_out(folder / "medium", ansible)
    write_scripts(render(settings), folder)
    (folder / "cmdline").write_text("quiet\n")
    return folder


def without_stand_ins(folder: Path) -> Dict[str, bool]:
    """Return the variables that switch off the parts of the role base for which the lab has no packages."""
    there = {path.name.rsplit("-", 2)[0] for path in (folder / "medium").rglob("*.rpm")}
    named = yaml.safe_load((data_path("roles") / "base/vars/el9.yml").read_text())
    parts = {part: named[f"__base_packages_{part}"] for part in ("firewall", "fail2ban", "updates")}
    return {f"base_{part}": False for part, names in parts.items() if not set(names) <= there}


def installed_layer(folder: Path) -> Path:
    """Return the layer that the %post scripts make on a bare system, from the medium in ``folder`` alone."""

    def fill(life: Namespaces, root: Path) -> None:
        stand_in = write_tool(life.path(root), "restorecon", "exit 0")
        environment = [f"LAB={folder}", f"ANA_INSTALL_PATH={root}", "HOME=/root"]
        argv = ["env", *environment, "unshare", "--mount", "bash", "-euc", POST]
        life.run(argv, "mount", "pid", "net", what="Running %post")
        stand_in.unlink()
        units = life.path(root) / "etc/systemd/system"
        (units / "lab-no-route.service").write_text(_NO_ROUTE)
        life.run(["systemctl", f"--root={root}", "enable", "lab-no-route.service"], "mount")

    digest = hashlib.sha256()
    # Metadata is dated, and follows from the packages.
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.parent.name != "repodata")
    for path in [*files, Path(__file__)]:
        digest.update(f"{path.name}\0".encode())
        digest.update(path.read_bytes())
    return ensure_layer(digest.hexdigest(), [dress_layer(DRESS)], fill)


@contextlib.contextmanager
def installed_box(name: str, layer: Path) -> Iterator[Box]:
    """Give a box that was installed and is switched off; it sees no repository but what is on its disk."""
    box = make_box(name, [dress_layer(DRESS), layer], owned=True)
    try:
        yield box
    finally:
        box.down()
