"""What the first boot makes of a box: roles, their variables, and the packages that the medium carries."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Mapping

import yaml

from switchroom.build.workspace import data_path
from switchroom.core.errors import ExitCode, SwitchroomError

PROFILE = "asterisk"  # FreePBX comes from its own tarball, which no medium carries

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def roles(variables: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the roles that the site playbook applies to a box with these variables, in its order."""
    lists = _read(data_path("playbooks") / "vars" / "site.yml")
    provisioning = lists["__site_provisioning"] if variables.get("pbx_provisioning") else []
    return (*lists["__site_always"], *lists["__site_profiles"][PROFILE], *provisioning)


def packages(el: int, variables: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the packages that the roles may install on an Enterprise Linux major.

    Each role has them in ``vars/el<major>.yml``, as ``__<role>_packages`` and ``__<role>_packages_<what>``; a
    variable ``<role>_<what>`` that is false leaves the latter out. ``asterisk_sounds`` names packages itself.
    """
    return tuple(sorted(asked(el, variables)))


def asked(el: int, variables: Mapping[str, Any]) -> dict[str, str]:
    """Return the same packages, each with a role that may install it."""
    heard = variables.get("asterisk_sounds") or []
    named = (
        heard.split(",") if isinstance(heard, str) else heard
    )  # as Ansible reads a text where it wants a list
    found = {name: role for role in roles(variables) for name in _of_role(role, el, variables)}
    return {**found, **dict.fromkeys(named, "asterisk")}


def check(variables: Mapping[str, Any]) -> None:
    """Raise SwitchroomError (usage) for what cannot be a role's variable, or asks for another profile."""
    wrong = [name for name in variables if not isinstance(name, str) or not _NAME.fullmatch(name)]
    if wrong:
        raise SwitchroomError(
            f"'{wrong[0]}' cannot be the name of a role's variable.",
            hint="Use small letters, digits and '_', as the roles' README files have them.",
            code=ExitCode.USAGE,
        )
    profile = variables.get("pbx_profile", PROFILE)
    if profile != PROFILE:
        raise SwitchroomError(
            f"The first boot cannot make a box of the profile '{profile}'.",
            hint=f"Leave it at '{PROFILE}', and apply the site playbook from a controller afterwards.",
            code=ExitCode.USAGE,
        )


def variables_of(path: Path) -> dict[str, Any]:
    """Return the variables in a YAML file; SwitchroomError (usage) when it cannot be read or holds none."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SwitchroomError(
            f"The file of variables '{path}' cannot be read.", cause=str(error), code=ExitCode.USAGE
        ) from error
    if not isinstance(found, dict):
        raise SwitchroomError(
            f"'{path}' holds no variables.", hint="Write one 'name: value' a line.", code=ExitCode.USAGE
        )
    return found


def _of_role(role: str, el: int, variables: Mapping[str, Any]) -> list[str]:
    file = data_path("roles") / role / "vars" / f"el{el}.yml"
    shape = re.compile(rf"__{role}_packages(_\w+)?")
    lists = (
        {key: value for key, value in _read(file).items() if shape.fullmatch(key)} if file.is_file() else {}
    )
    unwanted = {
        f"__{role}_packages{key.removeprefix(role)}" for key, value in variables.items() if value is False
    }
    return [name for key, names in lists.items() if key not in unwanted for name in names]


def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return data
