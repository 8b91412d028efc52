"""What the roles of a profile install, read from the roles themselves, so that the medium can carry it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from switchroom.build.workspace import data_path
from switchroom.core.errors import ExitCode, SwitchroomError


def profiles() -> dict[str, tuple[str, ...]]:
    """Return the roles of each profile of the site playbook, in the order they are applied."""
    data = _read(data_path("playbooks") / "vars" / "site.yml")
    return {name: (*data["__site_always"], *roles) for name, roles in data["__site_profiles"].items()}


def packages(el: int, profile: str) -> tuple[str, ...]:
    """Return the packages that a profile's roles may install on an Enterprise Linux major.

    Each role has them in ``vars/el<major>.yml``, as ``__<role>_packages`` and ``__<role>_packages_<what>``.
    """
    known = profiles()
    if profile not in known:
        raise SwitchroomError(
            f"There is no profile '{profile}'.", hint=f"Use one of: {', '.join(known)}.", code=ExitCode.USAGE
        )
    found = {name for role in known[profile] for name in _of_role(role, el)}
    return tuple(sorted(found))


def _of_role(role: str, el: int) -> list[str]:
    file = data_path("roles") / role / "vars" / f"el{el}.yml"
    shape = re.compile(rf"__{role}_packages(_\w+)?")
    lists = [value for key, value in _read(file).items() if shape.fullmatch(key)] if file.is_file() else []
    return [name for names in lists for name in names]


def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return data
