"""The packages Switchroom is made of: which spec builds each, and with what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import switchroom
from switchroom.build import collection, tarball
from switchroom.build.recipe import Recipe
from switchroom.build.store import generated
from switchroom.catalog import removals
from switchroom.catalog.model import Catalog, Series, SeriesType
from switchroom.core.errors import ExitCode, SwitchroomError

KEY_NAME = "RPM-GPG-KEY-switchroom"
_SOUND_MACROS = (
    # macro, upstream's tarball, version fetched when the lookaside folder has none
    ("sw_core_sounds", "asterisk-core-sounds-en-gsm", "1.6.1"),
    ("sw_moh", "asterisk-moh-opsound-gsm", "2.03"),
)


@dataclass(frozen=True)
class Release:
    """What goes into switchroom-release: the catalog as shipped, the public key, the channels' address."""

    catalog: Catalog
    catalog_text: bytes
    public_key: bytes
    repo_url: str


def shared(
    specs: Path, lookaside: Path, release: Release, documents: tarball.Tree, epoch: int
) -> List[Recipe]:
    """Return the recipes of what all engines share; ``documents`` are the tool's manual and completion."""
    return [
        Recipe("asterisk-common", specs / "asterisk-common.spec"),
        Recipe("asterisk-sounds", specs / "asterisk-sounds.spec", _sound_versions(lookaside)),
        _release(specs, release),
        _tool(specs, documents, epoch),
        _collection(specs, epoch),
    ]


def engine(specs: Path, series: Series) -> Recipe:
    """Return the recipe of a series' engine; raises a usage error when the catalog knows too little."""
    if not series.sources or "pjproject" not in series.bundled:
        raise SwitchroomError(
            f"The catalog does not say what Asterisk {series.version} is built from.",
            hint=f"Add 'sources' and 'bundled: {{pjproject: …}}' to series '{series.key}' in an overlay.",
            code=ExitCode.USAGE,
        )
    return Recipe(series.engine, specs / "asterisk.spec", _engine_macros(series), series.sources)


def _engine_macros(series: Series) -> Dict[str, str]:
    macros = {
        "sw_series": series.key,
        "sw_label": series.label,
        "sw_version": series.version,
        "sw_build": str(series.build),
        "sw_engine": series.engine,
        "sw_meta": series.meta,
        "sw_source_version": series.source_version,
        "sw_pjproject": series.bundled["pjproject"],
        "sw_enable": " ".join(series.enable),
        "sw_disable": " ".join(series.disable),
    }
    return {**macros, "sw_fixture": "1"} if series.type is SeriesType.FIXTURE else macros


def _sound_versions(lookaside: Path) -> Dict[str, str]:
    """Return the newest version of each sound set in the lookaside folder, else the one to fetch."""
    versions = {}
    for macro, name, default in _SOUND_MACROS:
        pattern = re.compile(rf"{name}-(\d[\d.]*)\.tar\.gz")
        found = [match[1] for path in lookaside.glob(f"{name}-*") if (match := pattern.fullmatch(path.name))]
        versions[macro] = max(found, key=_numbers, default=default)
    return versions


def _numbers(version: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _release(specs: Path, release: Release) -> Recipe:
    defines = {"sw_catalog": release.catalog.as_of.strftime("%Y.%m.%d"), "sw_repo_url": release.repo_url}
    given = {
        KEY_NAME: generated(KEY_NAME, release.public_key),
        "catalog.yml": generated("catalog.yml", release.catalog_text),
        "removals.yml": generated("removals.yml", removals.PACKAGED.read_bytes()),
    }
    return Recipe("switchroom-release", specs / "switchroom-release.spec", defines, given=given)


def _tool(specs: Path, documents: tarball.Tree, epoch: int) -> Recipe:
    """Return the recipe of this very tool: its running source is packed."""
    version = switchroom.__version__
    name = f"switchroom-{version}.tar.gz"
    tree = source_tree(Path(switchroom.__file__).parent, epoch)
    tree.update({f"documents/{path}": member for path, member in documents.items()})
    data = tarball.pack_tree(tree, name, f"switchroom-{version}")
    given = {name: generated(name, data)}
    return Recipe("switchroom", specs / "switchroom.spec", {"sw_tool_version": version}, given=given)


def _collection(specs: Path, epoch: int) -> Recipe:
    """Return the recipe of the Ansible collection and the first boot."""
    folder = collection.root()
    about = collection.galaxy(folder)
    name = f"{about['namespace']}-{about['name']}-{about['version']}.tar.gz"
    given = {name: generated(name, tarball.pack_tree(collection.artefact(folder, epoch), name))}
    defines = {"sw_collection_version": about["version"]}
    return Recipe("switchroom-collection", specs / "switchroom-collection.spec", defines, given=given)


def source_tree(package: Path, epoch: int, skip: Sequence[str] = ("__pycache__", "_data")) -> tarball.Tree:
    """Return a Python package's sources as ``src/switchroom/…``, the same whatever checkout they lie in."""
    files = [path for path in sorted(package.rglob("*")) if path.is_file()]
    wanted = [path for path in files if not set(skip) & set(path.relative_to(package).parts)]
    return {
        f"src/switchroom/{path.relative_to(package)}": tarball.Member(path.read_bytes(), mtime=epoch)
        for path in wanted
    }
