"""Which release an installation medium is of, and which repositories it holds.

A DVD and a minimal ISO say it in ``.treeinfo``. A boot ISO has none: its ``.discinfo`` holds time, version
and architecture, and the name stands in its boot menu (``Install Rocky Linux 9.6``) and its volume id. One
that this product made has a menu of ours, and a manifest that names what it was made from.

Sources: lorax, src/pylorax/discinfo.py and share/templates.d/99-generic; .treeinfo of AlmaLinux 9's DVD; that
of Rocky Linux 9's minimal ISO as others report it (family "Rocky Linux Minimal", repository "Minimal").
"""

from __future__ import annotations

import configparser
import contextlib
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import FrozenSet, List, Mapping, Optional, Tuple

from switchroom.build.iso import bootconf, xorriso
from switchroom.build.kickstart.settings import FOLDER
from switchroom.core import words
from switchroom.core.errors import ExitCode, SwitchroomError, reading

LAB_FAMILY = "Switchroom Lab stand-in"
# Each with the beginning of the volume ids of its boot ISOs.
_VOLUME_IDS = {"Rocky Linux": "Rocky-", "AlmaLinux": "AlmaLinux-", "CentOS Stream": "CentOS-"}
FAMILIES = (*_VOLUME_IDS, LAB_FAMILY)
MAJORS = ("9", "10")
ARCH = "x86_64"
_KINDS = ("", " Minimal")  # behind a family in .treeinfo

_VERSION = re.compile(r"unknown|[0-9]{1,3}(\.[0-9A-Za-z~_-]{1,20})*")
_LARGEST = 1 << 20  # bytes of a text on a medium: a menu has a few thousand
_QUOTED = 120  # characters of it in an error

TREEINFO, DISCINFO = ".treeinfo", ".discinfo"
_GRUB_MENU = "EFI/BOOT/grub.cfg"
_MANIFEST = "switchroom/manifest.json"
_SOURCES = (TREEINFO, DISCINFO, _GRUB_MENU, _MANIFEST)


@dataclass(frozen=True)
class Release:
    """``family`` is the distribution's name, ``repositories`` are folders that hold repodata."""

    family: str
    version: str
    repositories: Tuple[str, ...]


def read_release(image: Path, files: FrozenSet[str], volume_id: str) -> Release:
    """Return the release of a medium; ``files`` are the paths on it.

    Raises SwitchroomError (refused) when it is none that is supported, or when nothing says which it is.
    """
    with tempfile.TemporaryDirectory(prefix="switchroom-") as name:
        wanted = {one: Path(name, str(number)) for number, one in enumerate(_SOURCES) if one in files}
        xorriso.extract(image, wanted)
        texts = {one: _text(image, one, path) for one, path in wanted.items()}
    if TREEINFO in texts:
        return _by_treeinfo(image, texts[TREEINFO], files)
    if DISCINFO in texts:
        return _by_discinfo(image, texts, volume_id)
    raise unsupported(
        image,
        f"it has neither '{TREEINFO}' nor '{DISCINFO}', so it is no Enterprise Linux installation medium",
    )


def _text(image: Path, name: str, path: Path) -> str:
    size = path.stat().st_size
    if size > _LARGEST:
        raise unsupported(image, f"its '{name}' has {size} bytes; {_LARGEST} are read at most")
    return path.read_text(errors="replace")


def _by_treeinfo(image: Path, text: str, files: FrozenSet[str]) -> Release:
    tree = configparser.ConfigParser(interpolation=None)
    try:
        with reading("The file"):
            tree.read_string(text)
    except (configparser.Error, SwitchroomError) as error:
        why = words.line(str(error).partition("\n")[0], _QUOTED)
        raise unsupported(image, f"its '{TREEINFO}' cannot be read: {why}") from error
    said = {name: tree.get("general", name, fallback="unknown") for name in ("family", "version", "arch")}
    _check(image, said["family"], said["version"], said["arch"])
    return Release(_family(said["family"]), said["version"], _repositories(image, tree, files))


def _by_discinfo(image: Path, texts: Mapping[str, str], volume_id: str) -> Release:
    lines = [line.strip() for line in texts[DISCINFO].splitlines()]
    _, said, arch, *_ = (*lines, "unknown", "unknown", "unknown")
    named = re.search(r"\d+(\.\d+)?", said)
    family = _named_family(texts, said, volume_id)
    version = named[0] if named else "unknown"
    if family is None:
        raise unsupported(
            image,
            f"it is a boot ISO of version '{version}', and neither '{DISCINFO}' nor its boot menu nor its"
            f" volume id '{volume_id}' says of which distribution",
        )
    _check(image, family, version, arch)
    return Release(family, version, ())


def _named_family(texts: Mapping[str, str], said: str, volume_id: str) -> Optional[str]:
    labels = [entry.label for entry in bootconf.grub_entries(texts.get(_GRUB_MENU, ""))]
    titles = [*_made_from(texts), said, *(label.removeprefix("Install ") for label in labels)]
    found = [family for title in titles for family in FAMILIES if _named_by(title, family)]
    found += [family for family, begin in _VOLUME_IDS.items() if volume_id.startswith(begin)]
    return found[0] if found else None


def _named_by(title: str, family: str) -> bool:
    kinds = "|".join(_KINDS)
    return re.match(rf"{re.escape(family)}({kinds})( \d|$)", title) is not None


def _made_from(texts: Mapping[str, str]) -> List[str]:
    with contextlib.suppress(SwitchroomError), reading(f"'{_MANIFEST}'"):
        return [str(json.loads(texts.get(_MANIFEST, "{}"))["base"]["family"])]
    return []


def _check(image: Path, family: str, version: str, arch: str) -> None:
    if arch != ARCH:
        raise unsupported(image, f"its architecture is '{arch}'; only '{ARCH}' is supported")
    if not _VERSION.fullmatch(version):  # it goes into labels and menus
        raise unsupported(image, f"its version is '{version[:_QUOTED]}'")
    if not _family(family) or version.partition(".")[0] not in MAJORS:
        known = ", ".join(FAMILIES[:-2]) + f" and {FAMILIES[-2]}"
        raise unsupported(
            image, f"it is '{family} {version}'; supported are {' and '.join(MAJORS)} of {known}"
        )


def _family(said: str) -> str:
    return next((one for one in FAMILIES if said in [one + kind for kind in _KINDS]), "")


def _repositories(image: Path, tree: configparser.ConfigParser, files: FrozenSet[str]) -> Tuple[str, ...]:
    """Return those that Anaconda finds on the medium: it goes by the variants of .treeinfo."""
    folders = {
        tree[section].get("repository", "").strip("/.")
        for section in tree.sections()
        if section.startswith("variant-")
    }
    found = sorted(folder for folder in folders if f"{folder}/repodata/repomd.xml" in files)
    odd = [folder for folder in found if not re.fullmatch(FOLDER, folder)]
    if odd:
        raise unsupported(image, f"its repository has the odd name '{odd[0]}'")
    return tuple(found)


def unsupported(image: Path, why: str) -> SwitchroomError:
    """Return the error for a medium that will not do."""
    return SwitchroomError(
        f"'{image}' cannot be used as a base: {why}.",
        hint="Use a boot, minimal or DVD ISO of Rocky, Alma or CentOS Stream 9 or 10 for x86_64.",
        code=ExitCode.REFUSED,
    )
