"""The gate for packages: whatever an installation asks for must be provided by a repository; dnf resolves it.

What a group lists but no repository has is passed over, as dnf and Anaconda do.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from switchroom.build.kickstart import site
from switchroom.build.kickstart.defaults import load_defaults
from switchroom.build.kickstart.settings import KickstartSettings
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.process import Arg, require, run

_PYTHON = "/usr/bin/python3"  # the one that has the dnf module
_ARCH = "x86_64"
_DATA = "kickstart/defaults.yml"


@dataclass(frozen=True)
class Request:
    """What gets installed, with who asks for it: ``system`` by Anaconda, ``ours`` afterwards by dnf."""

    el: int
    system: Mapping[str, str]
    ours: Mapping[str, str]

    @property
    def everything(self) -> Mapping[str, str]:
        """Both."""
        return {**self.ours, **self.system}


@dataclass(frozen=True)
class Chosen:
    """A package of the solution: where it lies in which repository."""

    nevra: str
    repo: str
    location: str


@dataclass(frozen=True)
class Solved:
    """``missing`` are names that nothing matches, and lines that say which package requires what."""

    chosen: Sequence[Chosen]
    missing: Sequence[str]


def request_of(settings: KickstartSettings) -> Request:
    """Return all that a kickstart may install: each series, and what the roles need at first boot."""
    defaults = load_defaults()
    system = dict.fromkeys(defaults.major(settings.el).packages, f"'{_DATA}', el {settings.el}")
    ours = {name: f"the role '{role}'" for name, role in site.asked(settings.el, settings.variables).items()}
    ours |= {offer.package: f"the series '{offer.key}'" for offer in settings.versions}
    ours |= dict.fromkeys(defaults.media_packages, f"'{_DATA}', media_packages")
    return Request(settings.el, {**dict.fromkeys(settings.packages, "--package"), **system}, ours)


def solve(repositories: Mapping[str, str], names: Iterable[str], el: int, scratch: Path) -> Solved:
    """Resolve packages and groups against repositories (id to URL), with dnf's own solver.

    ``scratch`` is a folder for dnf. Raises SwitchroomError when this machine lacks dnf, and for a repository
    that cannot be read.
    """
    require("dnf")
    order = {
        "repos": dict(repositories),
        "packages": list(names),
        "scratch": str(scratch),
        "releasever": str(el),
        "arch": _ARCH,
    }
    command: list[Arg] = [_PYTHON, Path(__file__).with_name("dnf_resolve.py")]
    result = run(command, what="Resolving packages with dnf", stdin=json.dumps(order).encode())
    answer: Any = json.loads(result.stdout)
    return Solved([Chosen(**one) for one in answer["chosen"]], answer["missing"])


def check_packages(request: Request, repositories: Mapping[str, str]) -> None:
    """Raise SwitchroomError (refused) unless the repositories (id to URL) provide all that is asked for."""
    with tempfile.TemporaryDirectory(prefix="switchroom-") as scratch:
        solved = solve(repositories, request.everything, request.el, Path(scratch))
    if solved.missing:
        hint = (
            f"Correct a wrong name in '{_DATA}' or --package, or name a repository that has it with --repo."
        )
        raise refused(solved.missing, request, hint)


def refused(missing: Sequence[str], request: Request, hint: str) -> SwitchroomError:
    """Return the error for what no repository provides, each with what asks for it."""
    asked = request.everything
    lines = {f"{one} (asked for by {asked[one]})" if one in asked else one for one in missing}
    return SwitchroomError(
        f"No repository provides {len(lines)} of the packages that an installation needs.",
        cause="\n".join(sorted(lines)),
        hint=hint,
        code=ExitCode.REFUSED,
    )


def parse_folders(option: str, texts: Sequence[str]) -> dict[str, Path]:
    """Return an option's ``ID=PATH`` arguments; SwitchroomError (usage) for a bad one."""
    found: dict[str, Path] = {}
    for text in texts:
        name, _, path = text.partition("=")
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", name) or not (Path(path) / "repodata/repomd.xml").is_file():
            raise SwitchroomError(
                f"'{option} {text}' does not name a package repository.",
                hint="Give ID=PATH, where PATH is a local folder that holds 'repodata/repomd.xml'.",
                code=ExitCode.USAGE,
            )
        found[name] = Path(path).absolute()
    return found


def parse_addresses(option: str, texts: Sequence[str]) -> dict[str, str]:
    """Return an option's ``ID=URL`` or ``ID=PATH`` arguments; SwitchroomError (usage) for a bad one."""
    found: dict[str, str] = {}
    for text in texts:
        name, _, address = text.partition("=")
        if re.fullmatch(r"https?://\S+", address) and re.fullmatch(r"[A-Za-z0-9_.-]+", name):
            found[name] = address
        else:
            found |= {key: path.as_uri() for key, path in parse_folders(option, [text]).items()}
    return found
