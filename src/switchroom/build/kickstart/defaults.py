"""The data behind the kickstarts: ``kickstart/defaults.yml`` and ``kickstart/disks.yml``."""

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
    """One Enterprise Linux major: the kickstart syntax pykickstart knows it by, and the system's packages.

    ``boot_size`` is /boot's in MiB. ``image_packages`` come on top where no Anaconda adds kernel and boot
    loader.
    """

    syntax: str
    boot_size: int
    packages: tuple[str, ...]
    image_packages: tuple[str, ...]


@dataclass(frozen=True)
class Defaults:
    """What ``defaults.yml`` holds."""

    system: Mapping[str, str]
    media_packages: tuple[str, ...]
    image_arguments: tuple[str, ...]
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
    """Read and validate the defaults; SwitchroomError names the place of an invalid value."""
    return _typed(_read("defaults"))


@lru_cache(maxsize=1)
def load_disks() -> Any:
    """Read and validate how disks are divided (sizes in MiB), as ``disks.schema.json`` describes it."""
    return _read("disks")


def disks_of(el: int) -> Any:
    """Return the same for an Enterprise Linux major: every partition has a ``size``.

    ``beside`` is what lies beside the volume group on a disk, in MiB; it counts what either firmware needs.
    """
    disks, default = load_disks(), load_defaults().major(el).boot_size
    boot = [{"size": default, **part} for part in disks["boot"]]
    return {**disks, "boot": boot, "beside": disks["margin"] + sum(part["size"] for part in boot)}


def _read(name: str) -> Any:
    folder = data_path("kickstart")
    data = yaml.safe_load((folder / f"{name}.yml").read_text(encoding="utf-8"))
    schema = json.loads((folder / f"{name}.schema.json").read_text(encoding="utf-8"))
    try:
        jsonschema.validate(data, schema)
    except jsonschema.ValidationError as error:
        raise SwitchroomError(
            f"'{folder / name}.yml' is invalid at '{error.json_path}'.",
            cause=error.message,
            hint=f"Its rules are in '{name}.schema.json' beside it.",
        ) from error
    return data


def _typed(data: Any) -> Defaults:
    majors = {
        int(number): ElMajor(
            entry["syntax"], entry["boot_size"], tuple(entry["packages"]), tuple(entry["image_packages"])
        )
        for number, entry in data["el"].items()
    }
    return Defaults(data["system"], tuple(data["media_packages"]), tuple(data["image_arguments"]), majors)
