"""One whole build: the shared packages and small engines, a signed repository, images. Run as a program.

All is made in the folder given, whose ``cache`` must hold the signing key; the second image is made on the
medium given. ``seen.json`` says which hour the programs that were run saw, and which of them the preloaded
library, if there is one, does not reach.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from pathlib import Path
from typing import List, Set

from support import media
from support.media import FIXTURE, S22
from support.packages import FIXTURE as OVERLAY
from support.packages import command
from support.small_rpms import QUIET, Shop, Small
from support.small_rpms import build as build_small
from support.small_specs import make, write_specs
from switchroom.build import packages, recipes
from switchroom.build.keys import development_key, open_key
from switchroom.build.lookaside import Lookaside
from switchroom.build.workspace import data_path
from switchroom.catalog.load import load_catalog
from switchroom.catalog.source import PACKAGED
from switchroom.cli.build_documents import documents
from switchroom.core import process

SEEN = "seen.json"
RELEASE_KEY = "release-key"
UNTIL = "2099-12-31"  # the end of metadata would follow the clock
MEDIUM = media.Medium(packages=())  # without the library that the engines need
LIBRARY = "libfaketime"

_SOUNDS = ("asterisk-sounds-core-en-gsm", "asterisk-moh-opsound-gsm")


class Programs(logging.Handler):
    """The programs whose command lines are logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.names: Set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Note what is run; after ``env -i`` and its settings comes a second program."""
        words = record.getMessage().removeprefix("$ ").split()
        programs = [word for word in words if "=" not in word and shutil.which(word)]
        self.names.update(programs[: 2 if programs[0] == "env" else 1])

    def not_reached(self) -> List[str]:
        """Return those that do not load the library."""
        return [name for name in sorted(self.names) if LIBRARY not in process.output(["ldd", _binary(name)])]


def lab_image(out: Path) -> None:
    """Build packages, repository and image with the commands a release engineer types."""
    rpms = [str(path) for path in (*shared(out), *small(out))]
    repo = str(out / "repo")
    until = ("--valid-until", UNTIL)
    command("repo", "publish", "--root", repo, "--url", "https://repo.example", *until, *rpms)
    command("repo", "promote", "--root", repo, "--all", *until)
    series = [word for one in (S22, FIXTURE) for word in ("--series", one.key)]
    options = ["--base", "lab", *series, "--overlay", str(OVERLAY), "--repo-root", repo]
    command("build", "iso", *options, "--out", str(out / "lab.iso"))


def el_image(out: Path, base: Path) -> None:
    """Build an image on a medium of EL's, with a package added that the medium lacks."""
    home = out / RELEASE_KEY
    shop = Shop(out / "el-repo", open_key((home / "fingerprint").read_text(), home))
    media.fill(shop, out / "el-small", (S22,), release="1.el9")
    extra = media.repository(out / "extra", Small("libedit", release="1.el9"), key=shop.key)
    (out / "extra.asc").write_bytes(shop.key.export_public())
    repo = ["--repo-root", str(shop.root), "--channel", "testing"]
    repo += ["--repo", f"extra={extra}", "--repo-key", f"extra={out / 'extra.asc'}"]
    key = ["--key", shop.key.fingerprint, "--gnupghome", str(home)]
    options = ["--base", str(base), "--series", S22.key, *repo, *key]
    built = command("build", "iso", *options, "--out", str(out / "el.iso"))
    assert built["manifest"]["installs_without_network"]


def shared(out: Path) -> List[Path]:
    """Build what all engines share, less the sounds, whose sources are large."""
    catalog, specs = load_catalog(PACKAGED), data_path("rpmspecs")
    key = development_key().export_public()
    release = recipes.Release(catalog, PACKAGED.read_bytes(), key, "https://repo.example")
    wanted = recipes.shared(specs, release, documents(catalog.epoch), catalog.epoch)
    workshop = packages.Workshop(packages.local_builder(specs, catalog.epoch, 1), catalog.epoch, QUIET)
    inputs = packages.read_all(wanted, Lookaside(out, QUIET))
    return [path for each in inputs for path in workshop.make(each).packages]


def small(out: Path) -> List[Path]:
    """Build something compiled, and stand-ins for engines and sounds."""
    engines = [Small(name) for one in (S22, FIXTURE) for name in (one.meta, one.engine)]
    stand_ins = build_small(out / "small", *engines, *map(Small, _SOUNDS))
    return [*make(write_specs(out / "specs")).packages, *stand_ins]


def _binary(name: str) -> str:
    """Return the file of a program, for a script that of its interpreter."""
    path = Path(shutil.which(name) or name)
    with path.open("rb") as stream:
        first = stream.readline()
    return first[2:].split()[0].decode() if first.startswith(b"#!") else str(path)


def main() -> None:
    """Build in the folder that the first argument names, on the medium that the second names."""
    out, base, programs = Path(sys.argv[1]), Path(sys.argv[2]), Programs()
    log = logging.getLogger(process.__name__)
    log.setLevel(logging.DEBUG)
    log.addHandler(programs)
    log.propagate = False
    lab_image(out)
    el_image(out, base)
    hour = process.output(["env", "-i", "date", "+%FT%H:%M:%S%z"])
    (out / SEEN).write_text(json.dumps({"hour": hour, "not_reached": programs.not_reached()}))


if __name__ == "__main__":
    main()
