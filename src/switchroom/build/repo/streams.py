"""Packages that dnf hides from a box: those of module streams that are neither the default nor enabled.

The documents are those of libmodulemd (yaml_specs/modulemd_stream_v2.yaml, modulemd_defaults_v1.yaml).
"""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path
from typing import Any, Callable, Dict, List, Set, Tuple

import yaml

from switchroom.build.repo.metadata import RepoPackage
from switchroom.core import process

_OPEN: Dict[str, Callable[[Path], bytes]] = {
    ".gz": lambda path: gzip.decompress(path.read_bytes()),
    ".xz": lambda path: lzma.decompress(path.read_bytes()),
    ".bz2": lambda path: bz2.decompress(path.read_bytes()),
    ".zst": lambda path: process.run(["zstd", "-dcq", path], what="Reading modules").stdout,
}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def hidden(modules: Path) -> Set[str]:
    """Return the packages (name-epoch:version-release.arch) of streams that a box has not by default.

    ``modules`` is a repository's metadata file of that kind. Raises OSError or ValueError for a bad one.
    """
    plain = _OPEN.get(modules.suffix, Path.read_bytes)(modules)
    try:
        documents = [one for one in yaml.load_all(plain, Loader=_LOADER) if isinstance(one, dict)]
        defaults = {_default(one) for one in documents if one.get("document") == "modulemd-defaults"}
        streams = [_stream(one["data"]) for one in documents if one.get("document") == "modulemd"]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"'{modules}' does not describe modules: {error}") from error
    awake = {rpm for name, rpms in streams if name in defaults for rpm in rpms}
    return {rpm for name, rpms in streams if name not in defaults for rpm in rpms} - awake


def name_of(package: RepoPackage) -> str:
    """Return a package's name as it stands among a stream's artifacts."""
    record = package.record
    return f"{record.name}-{record.epoch or 0}:{record.version}-{record.release}.{record.arch}"


def _default(document: Dict[str, Any]) -> Tuple[str, str]:
    data = document["data"]
    return str(data["module"]), str(data.get("stream", ""))


def _stream(data: Dict[str, Any]) -> Tuple[Tuple[str, str], List[str]]:
    return (str(data["name"]), str(data["stream"])), list(data.get("artifacts", {}).get("rpms", []))
