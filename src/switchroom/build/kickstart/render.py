"""Kickstart text from settings, the data file and the templates in ``kickstart/``."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, Mapping

import jinja2

from switchroom.build.kickstart import site
from switchroom.build.kickstart.defaults import disks_of, load_defaults
from switchroom.build.kickstart.settings import KickstartSettings, Mode
from switchroom.build.workspace import data_path

# In the installer's own memory, where nobody else is.
DISK_INCLUDE = "/tmp/switchroom-disk.ks"  # noqa: S108
NETWORK_INCLUDE = "/tmp/switchroom-network.ks"  # noqa: S108
MEDIA = "/mnt/switchroom-media"  # where the new system sees the medium
IMAGE = "image"


def render(settings: KickstartSettings, *, image: bool = False) -> str:
    """Return the kickstart; the same settings give the same text.

    That of a disk ``image`` describes the same system, without what only an installer does.
    """
    defaults, mode = load_defaults(), IMAGE if image else settings.mode.value
    major = defaults.major(settings.el)
    text = (
        environment()
        .get_template(f"{mode}.cfg.j2")
        .render(
            settings=settings,
            mode=mode,
            offers=" ".join(f"{offer.key}={offer.package}" for offer in settings.versions),
            packages=[*major.packages, *settings.packages, *(major.image_packages if image else ())],
            media_packages=defaults.media_packages,
            role_packages=site.packages(settings.el, settings.variables),
            first_boot=_first_boot(settings),
            disk=disks_of(settings.el),
            guard=_guard,
            disk_include=DISK_INCLUDE,
            network_include=NETWORK_INCLUDE,
            media=MEDIA,
            first_password=_asks_on_first_boot(settings),
        )
    )
    return re.sub(r"\n{3,}", "\n\n", text)


def _guard(part: Mapping[str, Any]) -> str:
    """Return the shell's condition for a partition that only one kind of firmware needs."""
    conditions = {"uefi": '[ ! -d "$EFI" ] || ', "bios": '[ -d "$EFI" ] || ', None: ""}
    return conditions[part.get("firmware")]


def _first_boot(settings: KickstartSettings) -> Mapping[str, Any]:
    """Return the variables of the first boot; one that needs no network must not ask for EPEL and CRB."""
    alone = {"repositories_epel": False, "repositories_crb": False} if settings.offline else {}
    return {"pbx_profile": site.PROFILE, **alone, **settings.variables}


def _asks_on_first_boot(settings: KickstartSettings) -> bool:
    return settings.mode is Mode.UNATTENDED and not settings.ssh_keys and not settings.password_hash


def environment() -> jinja2.Environment:
    """Return the templates in ``kickstart/``, with the filters ``sh`` and ``json``."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(data_path("kickstart")),
        autoescape=jinja2.select_autoescape(),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["sh"] = shlex.quote
    environment.filters["json"] = json.dumps
    return environment
