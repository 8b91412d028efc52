"""What one kickstart is rendered from, validated so that no value can break out of its line."""

from __future__ import annotations

import enum
import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Mapping

from switchroom.build.kickstart import site
from switchroom.build.kickstart.credentials import read_password_hash, read_ssh_keys
from switchroom.build.kickstart.defaults import load_defaults, load_disks
from switchroom.catalog.model import Series, SeriesType
from switchroom.core.errors import ExitCode, SwitchroomError

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SHAPES = {
    "hostname": (rf"{_LABEL}(\.{_LABEL})*", "a host name such as 'pbx.example.org'"),
    "lang": (r"[a-z]{2,3}_[A-Z]{2}\.UTF-8", "a locale such as 'en_US.UTF-8'"),
    "keyboard": (r"[a-z]{2,}( \([a-z0-9_-]+\))?", "a keyboard layout such as 'us' or 'de'"),
    # ISO 9660 allows 32 characters; a line break would end the kickstart's comment.
    "volume_id": (r"[ -~]{1,32}", "1 to 32 printable ASCII characters"),
}
FOLDER = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*"  # of a repository on a medium
_ADDRESS = r"https?://[^\s\"'#]+"
_PACKAGE = re.compile(r"@?\^?[A-Za-z0-9][A-Za-z0-9+._-]*")


class Mode(enum.Enum):
    """Who answers the installer's questions: a person, or the kickstart alone."""

    INTERACTIVE = "interactive"
    UNATTENDED = "unattended"


@dataclass(frozen=True)
class Offer:
    """One Asterisk series on the medium: its catalog key, its name in the menu, and its meta package."""

    key: str
    label: str
    package: str


def _layouts() -> list[str]:
    return sorted(load_disks()["layouts"])


def _default(name: str) -> str:
    return load_defaults().system[name]


@dataclass(frozen=True)
class KickstartSettings:
    """Settings of one kickstart; raises SwitchroomError (usage) for a value that is not valid.

    ``versions`` are the series on the medium and ``default_version`` the key of the one a boot line without
    ``switchroom.asterisk=`` means. ``ssh_keys`` and ``password_hash`` are root's; with neither, the installed
    system asks on its console. ``offline`` takes every package from the medium.
    ``layout`` divides the disks where the boot line does not say how. ``packages`` come on top of
    those in the data file. ``variables`` are those of the roles, for the first boot. ``media_repositories``
    are the distribution's folders on the medium. ``source`` is the address that Anaconda takes the system
    from where the medium has none of them; ``repositories`` (id to address) are what it has besides.
    """

    el: int
    mode: Mode
    volume_id: str
    versions: Sequence[Offer]
    default_version: str
    ssh_keys: Sequence[str] = ()
    password_hash: str = ""
    timezone: str = field(default_factory=lambda: _default("timezone"))
    lang: str = field(default_factory=lambda: _default("lang"))
    keyboard: str = field(default_factory=lambda: _default("keyboard"))
    hostname: str = field(default_factory=lambda: _default("hostname"))
    offline: bool = False
    packages: Sequence[str] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    layout: str = "single"
    media_repositories: Sequence[str] = ("BaseOS", "AppStream")  # a DVD's
    source: str = ""
    repositories: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is not valid."""
        load_defaults().major(self.el)
        for name, (shape, meaning) in _SHAPES.items():
            _match(name, getattr(self, name), shape, meaning)
        for package in self.packages:
            _match("package", package, _PACKAGE.pattern, "a package, or a group such as '@core'")
        _match("layout", self.layout, "|".join(_layouts()), f"one of {', '.join(_layouts())}")
        for name, address in self.repositories.items():
            _match("repository", name, r"[A-Za-z0-9_.-]+", "an id of letters, digits, '_', '.' and '-'")
            _match("address", address, _ADDRESS, "a repository's address, https://…")
        if self.source:
            _match("installation source", self.source, _ADDRESS, "a repository's address, https://…")
        for folder in self.media_repositories:
            _match("folder", folder, FOLDER, "a repository's folder on the medium")
        site.check(self.variables)
        _check_timezone(self.timezone)
        _check_versions(self.versions, self.default_version)
        # As they go into a quoted line: not as somebody's file has them.
        object.__setattr__(self, "ssh_keys", read_ssh_keys("\n".join(self.ssh_keys), "the settings"))
        if self.password_hash:
            read_password_hash(self.password_hash, "the settings")

    @property
    def media_packages(self) -> tuple[str, ...]:
        """What %post may install from the medium: the shared packages and each series' meta package."""
        return (*load_defaults().media_packages, *(offer.package for offer in self.versions))


def offers(series: Sequence[Series]) -> tuple[Offer, ...]:
    """Return catalog series as the offers of a medium, in the order given."""
    return tuple(Offer(one.key, one.label, one.meta) for one in series)


def default_of(series: Sequence[Series]) -> str:
    """Return the key of the newest long-term series, else of the newest of any kind but a fixture."""
    if not series:
        raise _no_versions()
    ranks = [
        (one.type is SeriesType.LTS, one.type is not SeriesType.FIXTURE, _numbers(one.version))
        for one in series
    ]
    return series[ranks.index(max(ranks))].key


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _match(name: str, value: str, shape: str, meaning: str) -> None:
    if re.fullmatch(shape, value) is None:
        raise SwitchroomError(
            f"The {name.replace('_', ' ')} '{value}' is not valid.",
            hint=f"Give {meaning}.",
            code=ExitCode.USAGE,
        )


def _check_timezone(name: str) -> None:
    known = zoneinfo.available_timezones()
    if name not in known:
        similar = sorted(zone for zone in known if name.lower().rpartition("/")[2] in zone.lower())[:5]
        raise SwitchroomError(
            f"The time zone '{name}' is not known on this machine.",
            hint=f"Similar names: {', '.join(similar)}."
            if similar
            else "List them with: timedatectl list-timezones",
            code=ExitCode.USAGE,
        )


def _check_versions(versions: Sequence[Offer], default: str) -> None:
    if not versions:
        raise _no_versions()
    keys = [offer.key for offer in versions]
    if default not in keys:
        raise SwitchroomError(
            f"The default Asterisk series '{default}' is not among those on the medium.",
            hint=f"Choose one of: {', '.join(keys)}.",
            code=ExitCode.USAGE,
        )


def _no_versions() -> SwitchroomError:
    return SwitchroomError(
        "A kickstart needs at least one Asterisk series, and none is on offer.",
        hint="Name one with --series; 'switchroom catalog list' shows them.",
        code=ExitCode.USAGE,
    )
