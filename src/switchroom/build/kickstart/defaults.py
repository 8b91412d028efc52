"""The data behind the kickstarts: ``kickstart/defaults.yml``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Mapping

import jsonschema
import yaml

from switchroom.build.workspace import data_path
from switchroom.core.errors import ExitCode, SwitchroomError


@dataclass(frozen=True)
class ElMajor:
    """One Enterprise Linux major: the kickstart syntax pykickstart knows it by, and the system's packages."""

    syntax: str
    packages: tuple[str, ...]


@dataclass(frozen=True)
class Defaults:
    """The data file; sizes in ``disk`` are in MiB."""

    system: Mapping[str, str]
    disk: Mapping[str, int]
    media_packages: tuple[str, ...]
    el: Mapping[int, ElMajor]

    def major(self, el: int) -> ElMajor:
        """Return an Enterprise Linux major; SwitchroomError when there is no data for it."""
        if el not in self.el:
            known = ", ".join(str(major) for major in sorted(self.el))
            raise SwitchroomError(
                f"There is no kickstart for Enterprise Linux '{el}'.",
                hint=f"Use one of: {known}.",
                code=ExitCode.USAGE,
            )
        return self.el[el]


@lru_cache(maxsize=1)
def load_defaults() -> Defaults:
    """Read and validate the data file; SwitchroomError names the place of an invalid value."""
    folder = data_path("kickstart")
    data = yaml.safe_load((folder / "defaults.yml").read_text(encoding="utf-8"))
    schema = json.loads((folder / "defaults.schema.json").read_text(encoding="utf-8"))
    try:
        jsonschema.validate(data, schema)
    except jsonschema.ValidationError as error:
        raise SwitchroomError(
            f"'{folder / 'defaults.yml'}' is invalid at '{error.json_path}'.",
            cause=error.message,
            hint="Its rules are in 'defaults.schema.json' beside it.",
        ) from error
    return _typed(data)


def _typed(data: Any) -> Defaults:
    majors = {
        int(number): ElMajor(entry["syntax"], tuple(entry["packages"]))
        for number, entry in data["el"].items()
    }
    return Defaults(data["system"], data["disk"], tuple(data["media_packages"]), majors)
