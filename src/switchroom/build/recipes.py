"""The packages Switchroom is made of: which spec builds each, and with what."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Sequence

import switchroom
from switchroom.build import collection, tarball
from switchroom.build.engine import Contents, check_bundled, contents
from switchroom.build.recipe import Recipe
from switchroom.build.store import generated
from switchroom.catalog import removals
from switchroom.catalog.model import Catalog, Series, SeriesType, SoundSet, Source
from switchroom.core.errors import ExitCode, SwitchroomError

KEY_NAME = "RPM-GPG-KEY-switchroom"


@dataclass(frozen=True)
class Release:
    """What goes into switchroom-release: the catalog as shipped, the public key, the channels' address."""

    catalog: Catalog
    catalog_text: bytes
    public_key: bytes
    repo_url: str


def shared(specs: Path, release: Release, documents: tarball.Tree, epoch: int) -> List[Recipe]:
    """Return the recipes of what all engines share; ``documents`` are the tool's manual and completion."""
    return [
        Recipe("asterisk-common", specs / "asterisk-common.spec"),
        _release(specs, release),
        _tool(specs, documents, epoch),
        _collection(specs, epoch),
    ]


def engine(specs: Path, series: Series, part_sources: Mapping[str, Source]) -> Recipe:
    """Return the recipe of a series' engine; raises a usage error when the catalog knows too little.

    ``part_sources`` are the catalog's files for parts.
    """
    if not series.sources or "pjproject" not in series.bundled:
        raise SwitchroomError(
            f"The catalog does not say what Asterisk {series.version} is built from.",
            hint=f"Add 'sources' and 'bundled: {{pjproject: …}}' to series '{series.key}' in an overlay.",
            code=ExitCode.USAGE,
        )
    spec = specs / "asterisk.spec"
    holds = contents(spec, series)
    more = {part: part_sources[part] for part in holds.optional if part in part_sources}
    macros = {**_engine_macros(series, holds), **_part_macros(holds, more)}
    check = functools.partial(check_bundled, series=series)
    return Recipe(series.engine, spec, macros, (*series.sources, *more.values()), check=check)


def _part_macros(holds: Contents, sources: Mapping[str, Source]) -> Dict[str, str]:
    """Return the macros of parts, whose names have no hyphen."""
    given = {f"sw_part_{part}": " ".join(modules) for part, modules in holds.parts.items()}
    given.update({f"_with_{part}": "1" for part in holds.optional})
    given.update({f"sw_source_{part}": source.name for part, source in sources.items()})
    return {name.replace("-", "_"): value for name, value in given.items()}


def sounds(specs: Path, chosen: SoundSet) -> Recipe:
    """Return the recipe of one set of prompts or music on hold."""
    defines = {
        "sw_package": chosen.package,
        "sw_set": chosen.key,
        "sw_version": chosen.version,
        "sw_format": chosen.format,
        "sw_folder": "moh" if chosen.kind == "moh" else f"sounds/{chosen.language}",
        "sw_summary": chosen.summary,
    }
    return Recipe(chosen.package, specs / "asterisk-sounds.spec", defines, (chosen.source,))


def _engine_macros(series: Series, holds: Contents) -> Dict[str, str]:
    macros = {
        "sw_series": series.key,
        "sw_label": series.label,
        "sw_version": series.version,
        "sw_build": str(series.build),
        "sw_engine": series.engine,
        "sw_meta": series.meta,
        "sw_source_version": series.source_version,
        "sw_pjproject": series.bundled["pjproject"],
        "sw_enable": " ".join(holds.enable),
        "sw_disable": " ".join(holds.disable),
        "sw_modules": " ".join(sorted(holds.modules)),
        "sw_parts": " ".join(sorted(part.replace("-", "_") for part in holds.parts)),
    }
    return {**macros, "sw_fixture": "1"} if series.type is SeriesType.FIXTURE else macros


def _release(specs: Path, release: Release) -> Recipe:
    defines = {
        "sw_catalog": release.catalog.as_of.strftime("%Y.%m.%d"),
        "sw_revision": str(release.catalog.revision),
        "sw_repo_url": release.repo_url,
    }
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
