"""Whether an installation from a medium alone is possible: every package it needs, resolved by dnf."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from switchroom.build.iso import xorriso
from switchroom.build.iso.base import ARCH, Base
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.process import Arg, run

_PYTHON = "/usr/bin/python3"  # the one that has the dnf module
_OURS = "switchroom"
_BASE = "base-"


@dataclass(frozen=True)
class Request:
    """What gets installed: ``system`` by Anaconda from the medium, ``ours`` afterwards, by dnf in %post."""

    system: Tuple[str, ...]
    ours: Tuple[str, ...]


@dataclass(frozen=True)
class Closure:
    """``added`` are the packages to copy from extra repositories, ``missing`` what no repository has."""

    added: Tuple[Path, ...]
    missing: Tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether the medium alone is enough."""
        return not self.missing


def parse_repositories(texts: Sequence[str]) -> Dict[str, Path]:
    """Return ``ID=PATH`` arguments as a mapping; SwitchroomError (usage) for a bad one."""
    found: Dict[str, Path] = {}
    for text in texts:
        name, _, path = text.partition("=")
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", name) or not (Path(path) / "repodata/repomd.xml").is_file():
            raise SwitchroomError(
                f"'--repo {text}' does not name a package repository.",
                hint="Give ID=PATH, where PATH is a local folder that holds 'repodata/repomd.xml'.",
                code=ExitCode.USAGE,
            )
        found[name] = Path(path).absolute()
    return found


def resolve(base: Base, ours: Path, extra: Mapping[str, Path], request: Request, scratch: Path) -> Closure:
    """Resolve a request against the medium, our repository and extra ones; only metadata is unpacked.

    ``scratch`` is a folder for dnf and, see :func:`unpack_metadata`, the base's metadata. Raises
    SwitchroomError when this machine lacks dnf.
    """
    folders = {_BASE + name.replace("/", "-"): name for name in base.repositories}
    if not folders:
        return Closure((), ("all packages of the system: the base has no repository",))
    metadata = unpack_metadata(base, scratch)
    unpacked = {name: metadata[folder] for name, folder in folders.items()}
    repos = {**unpacked, _OURS: ours, **extra}
    answer = _ask(base, repos, list(folders), request, scratch)
    chosen = [*answer["system"]["chosen"], *answer["ours"]["chosen"]]
    absent = [
        f"{one['nevra']} (in the metadata of '{folders[one['repo']]}', but not on the medium)"
        for one in chosen
        if one["repo"] in folders and f"{folders[one['repo']]}/{one['location']}" not in base.files
    ]
    added = {extra[one["repo"]] / one["location"] for one in chosen if one["repo"] in extra}
    missing = {*answer["system"]["missing"], *answer["ours"]["missing"], *absent}
    return Closure(tuple(sorted(added)), tuple(sorted(missing)))


def unpack_metadata(base: Base, scratch: Path) -> Dict[str, Path]:
    """Copy the metadata of the base's repositories into ``scratch``: folder on the medium to folder there."""
    unpacked = {name: scratch / (_BASE + name.replace("/", "-")) for name in base.repositories}
    absent = {name: path for name, path in unpacked.items() if not path.exists()}
    xorriso.extract(base.path, {f"{name}/repodata": path / "repodata" for name, path in absent.items()})
    return unpacked


def _ask(
    base: Base, repos: Mapping[str, Path], system: List[str], request: Request, scratch: Path
) -> Dict[str, Any]:
    order = {
        "repos": {name: str(path) for name, path in repos.items()},
        "requests": {
            "system": {"packages": request.system, "repos": system},
            "ours": {"packages": [*request.system, *request.ours], "repos": list(repos)},
        },
        "scratch": str(scratch),
        "releasever": base.major,
        "arch": ARCH,
    }
    command: List[Arg] = [_PYTHON, Path(__file__).with_name("dnf_resolve.py")]
    result = run(command, what="Resolving packages with dnf", stdin=json.dumps(order).encode())
    answer: Dict[str, Any] = json.loads(result.stdout)
    return answer
