"""What the base system offers, read from its repositories' metadata (local folder or URL)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, List, Set

import createrepo_c as cr
import requests

from switchroom.build.repo.closure import Capabilities
from switchroom.build.repo.metadata import RepoPackage
from switchroom.build.repo.streams import hidden, name_of
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256

_TIMEOUT_SECONDS = 60
_MODULES = "modules"


def load_base(spec: str) -> Capabilities:
    """Read the capabilities of ``ID=FOLDER`` or ``ID=URL`` (http, https or file) from its primary metadata.

    Files outside primary metadata (/usr/bin, /etc and such are in it) are not known. The metadata decides
    what may be promoted, never what is installed: checksums are checked, the base's signature is not.
    """
    name, _, place = spec.partition("=")
    if not name or not place:
        raise SwitchroomError(
            f"'{spec}' does not say where the base repository is.",
            hint="Write it as ID=FOLDER or ID=URL, for example baseos=/srv/rocky/9/BaseOS/x86_64/os",
            code=ExitCode.USAGE,
        )
    try:
        return _read(place)
    except (OSError, requests.RequestException, cr.CreaterepoCError, KeyError, ValueError) as error:
        raise SwitchroomError(
            f"The base repository '{name}' at '{place}' cannot be read.",
            cause=str(error),
            hint="It needs a repodata/repomd.xml below that place.",
            code=ExitCode.USAGE,
        ) from error


def _read(place: str) -> Capabilities:
    if place.startswith(("http://", "https://")):
        with tempfile.TemporaryDirectory(prefix="base-") as scratch:
            return _load_folder(_download(place.rstrip("/"), Path(scratch)))
    return _load_folder(Path(place.removeprefix("file://")))


def _load_folder(folder: Path) -> Capabilities:
    repomd = cr.Repomd(str(folder / "repodata" / "repomd.xml"))
    packages: List[RepoPackage] = []

    def keep(record: Any) -> None:
        packages.append(RepoPackage(folder, record))

    primary = folder / repomd["primary"].location_href
    if sha256(primary) != repomd["primary"].checksum:
        raise OSError(f"'{primary}' does not match the checksum in repomd.xml")
    cr.xml_parse_primary(str(primary), pkgcb=keep, do_files=True)
    asleep = _asleep(folder, repomd)
    return Capabilities(
        [one for one in packages if name_of(one) not in asleep],
        [one for one in packages if name_of(one) in asleep],
    )


def _asleep(folder: Path, repomd: Any) -> Set[str]:
    """Return the packages that modular filtering hides from a box."""
    record = next((one for one in repomd.records if one.type == _MODULES), None)
    if record is None:
        return set()
    modules = folder / record.location_href
    if sha256(modules) != record.checksum:
        raise OSError(f"'{modules}' does not match the checksum in repomd.xml")
    return hidden(modules)


def _download(url: str, folder: Path) -> Path:
    target = folder / "repodata" / "repomd.xml"
    target.parent.mkdir()
    target.write_bytes(_get(f"{url}/repodata/repomd.xml"))
    for record in cr.Repomd(str(target)).records:
        if record.type in ("primary", _MODULES):
            (target.parent / Path(record.location_href).name).write_bytes(
                _get(f"{url}/{record.location_href}")
            )
    return folder


def _get(url: str) -> bytes:
    answer = requests.get(url, timeout=_TIMEOUT_SECONDS)
    answer.raise_for_status()
    return answer.content
