"""Metadata of module streams, as Enterprise Linux 9 has them: which packages a stream is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Sequence

import createrepo_c as cr
import yaml

from switchroom.core import process

_CONTEXT = "5ab1ab00"


def add_streams(repository: Path, streams: Mapping[str, Sequence[Path]]) -> None:
    """Add the streams, ``name:stream`` to RPM files, to a repository's metadata; none is a default."""
    if not streams:
        return
    documents = [*(_stream(name, rpms) for name, rpms in sorted(streams.items())), *_defaults(list(streams))]
    path = repository / "modules.yaml"
    path.write_text(yaml.safe_dump_all(documents, explicit_start=True, explicit_end=True, sort_keys=False))
    process.run(["modifyrepo_c", "--mdtype=modules", path, repository / "repodata"])
    path.unlink()


def _stream(name: str, rpms: Sequence[Path]) -> Dict[str, Any]:
    module, _, stream = name.partition(":")
    records = [cr.package_from_rpm(str(path)) for path in rpms]
    visible = [record.name for record in records if not record.name.startswith("lab-libs-")]
    return {
        "document": "modulemd",
        "version": 2,
        "data": {
            "name": module,
            "stream": stream,
            "version": 1,
            "context": _CONTEXT,
            "arch": "x86_64",
            "summary": f"{module} {stream} (lab stand-in)",
            "description": f"Debian's own {module} under Enterprise Linux's names, for the lab.",
            "license": {"module": ["MIT"]},
            "dependencies": [{"requires": {"platform": ["el9"]}}],
            "profiles": {"common": {"rpms": _common(module, visible)}},
            "artifacts": {"rpms": sorted(_nevra(record) for record in records)},
        },
    }


def _common(module: str, names: List[str]) -> List[str]:
    """Return what ``dnf module install`` brings: on EL 9 the packages that are of use alone."""
    wanted = {
        "php": ["php-cli", "php-common", "php-fpm", "php-mbstring", "php-xml"],
        "nodejs": ["nodejs", "npm"],
        "mariadb": ["mariadb-server"],
    }
    return [name for name in wanted[module] if name in names]


def _defaults(names: Sequence[str]) -> Iterator[Dict[str, Any]]:
    """As Enterprise Linux 9 has them: a profile for every stream, and no default stream."""
    for module in sorted({name.partition(":")[0] for name in names}):
        streams = [name.partition(":")[2] for name in names if name.startswith(f"{module}:")]
        profiles = {stream: ["common"] for stream in sorted(streams)}
        data = {"module": module, "profiles": profiles}
        yield {"document": "modulemd-defaults", "version": 1, "data": data}


def _nevra(record: Any) -> str:
    return f"{record.name}-{record.epoch or 0}:{record.version}-{record.release}.{record.arch}"
