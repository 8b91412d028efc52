"""The typed catalog: every class mirrors one object of the data file."""

from __future__ import annotations

import calendar
import datetime
import enum
from dataclasses import dataclass, field
from typing import Mapping, Optional, Tuple

from switchroom.catalog.status import Status, status_on
from switchroom.catalog.versions import VersionRange
from switchroom.core.errors import ExitCode, SwitchroomError

__all__ = [
    "RUNTIME_NAMES",
    "Accepted",
    "Catalog",
    "Distribution",
    "ElRelease",
    "Evidence",
    "FreePBX",
    "ModuleSet",
    "ReleaseKey",
    "Runtime",
    "Series",
    "SeriesType",
    "SoundSet",
    "Source",
    "Status",
    "UnverifiedRelease",
    "VersionRange",
]


class SeriesType(enum.Enum):
    """Kind of an Asterisk series, which decides how long it is supported."""

    LTS = "LTS"
    STANDARD = "Standard"
    CERTIFIED = "Certified"
    FIXTURE = "Fixture"


class ModuleSet(enum.Enum):
    """What a certified branch is built with: what its series has, or what upstream certifies alone."""

    COMPLETE = "complete"
    BARE = "bare"


@dataclass(frozen=True)
class Evidence:
    """Where a group of facts comes from: a key of ``Catalog.references``; was it verified there."""

    reference: str
    verified: bool = True
    note: str = ""


@dataclass(frozen=True)
class Source:
    """One file of a build; ``name`` is what upstream calls it, and so do the specs.

    ``origin`` names who else made it (``debian-sid``); None is upstream itself. ``stated`` is how the name of
    upstream's checksum file beside it ends (``sha1``), empty where it has none of that form. ``signed`` says
    that upstream's signature lies beside it (``.asc``).
    """

    name: str
    url: Optional[str] = None
    sha256: Optional[str] = None
    origin: Optional[str] = None
    stated: str = ""
    signed: bool = False

    @property
    def place(self) -> str:
        """Its path in the lookaside folder: files of another origin lie in a folder of their own."""
        return f"{self.origin}/{self.name}" if self.origin else self.name


@dataclass(frozen=True)
class ReleaseKey:
    """A key by which upstream signs its releases; ``fingerprint`` has 40 digits."""

    fingerprint: str
    owner: str
    evidence: Evidence


@dataclass(frozen=True)
class SoundSet:
    """One of upstream's tarballs of prompts or music, ``asterisk-{key}-{version}.tar.gz``.

    ``kind`` is core-sounds, extra-sounds or moh; ``title`` is the language (for music its origin) in words.
    """

    version: str
    source: Source
    evidence: Evidence
    kind: str
    language: str
    format: str
    title: str

    @property
    def key(self) -> str:
        """What the catalog calls it, for example ``core-sounds-en-gsm``."""
        return f"{self.kind}-{self.language}-{self.format}"

    @property
    def package(self) -> str:
        """Its package, for example ``asterisk-sounds-core-en-gsm``."""
        kind, _, sounds = self.kind.partition("-")
        return f"asterisk-{f'{sounds}-' if sounds else ''}{kind}-{self.language}-{self.format}"

    @property
    def summary(self) -> str:
        """What it is, in a line."""
        what = {"core-sounds": "Core prompts", "extra-sounds": "Extra prompts", "moh": "Music on hold"}
        return f"{what[self.kind]} for Asterisk, {self.title}, {self.format} format"


@dataclass(frozen=True)
class UnverifiedRelease:
    """A newer release that somebody mentioned but nobody here has verified."""

    version: str
    released: datetime.date
    reference: str


@dataclass(frozen=True)
class Series:
    """One Asterisk series: its newest release, its dates and what building it needs.

    ``build`` is our own build number of that release. ``source_version`` is the version as upstream writes
    it in the tarball. ``bundled`` maps a bundled library to its version. ``made_from`` names the series
    whose sources a fixture is built from. ``module_set`` counts for certified branches only. ``parts`` are
    packages of modules that are built only where they are named here ("dahdi").
    """

    key: str
    type: SeriesType
    version: str
    source_version: str
    build: int
    version_released: Optional[datetime.date] = None
    released: Optional[datetime.date] = None
    security_only: Optional[datetime.date] = None
    end_of_life: Optional[datetime.date] = None
    sources: Tuple[Source, ...] = ()
    bundled: Mapping[str, str] = field(default_factory=dict)
    enable: Tuple[str, ...] = ()
    disable: Tuple[str, ...] = ()
    module_set: ModuleSet = ModuleSet.COMPLETE
    parts: Tuple[str, ...] = ()
    made_from: Optional[str] = None
    unverified_newer: Optional[UnverifiedRelease] = None
    evidence: Mapping[str, Evidence] = field(default_factory=dict)

    @property
    def engine(self) -> str:
        """The engine's package name, for example ``asterisk22.10.1_1``."""
        return f"asterisk{self.version}_{self.build}"

    @property
    def meta(self) -> str:
        """The meta package's name, for example ``asterisk22`` or ``asterisk22.8cert``."""
        if self.type is SeriesType.CERTIFIED:
            return f"asterisk{self._branch}cert"
        return f"asterisk{self.key}"

    @property
    def label(self) -> str:
        """The series as a person reads it in a menu, for example ``Asterisk 22 (LTS)``."""
        kind = "lab fixture" if self.type is SeriesType.FIXTURE else self.type.value
        return f"Asterisk {self._branch} ({kind})"

    @property
    def prefix_name(self) -> str:
        """The last part of the engine's private prefix, for example ``22.10.1-1``."""
        return f"{self.version}-{self.build}"

    def status(self, on: datetime.date) -> Status:
        """Return how well the series is supported on a day."""
        if self.type is SeriesType.FIXTURE:
            return Status.FIXTURE
        return status_on(on, self.released, self.security_only, self.end_of_life)

    @property
    def _branch(self) -> str:
        return self.key.rpartition("-")[2]


@dataclass(frozen=True)
class Accepted:
    """An Asterisk series that a FreePBX accepts, from the module version ``framework`` on if one is known."""

    series: str
    framework: Optional[str] = None
    verified: bool = True
    note: str = ""


@dataclass(frozen=True)
class FreePBX:
    """One FreePBX major: what it accepts, and the systems its own installer supports."""

    key: str
    support: str
    asterisk: Tuple[Accepted, ...]
    php: VersionRange
    node: VersionRange
    os: str
    evidence: Mapping[str, Evidence]


RUNTIME_NAMES = {"php": "PHP", "nodejs": "Node.js", "mariadb": "MariaDB"}


@dataclass(frozen=True)
class Runtime:
    """A PHP, Node.js or MariaDB stream of an EL major.

    ``form`` is ``module`` (dnf module stream ``name``) or ``package`` (the package called ``name``).
    ``since`` is the first minor EL release that has it.
    """

    version: str
    form: str
    name: str
    since: str
    released: datetime.date
    end_of_life: datetime.date
    evidence: Evidence

    def status(self, on: datetime.date) -> Status:
        """Return how well the stream is supported on a day."""
        return status_on(on, self.released, None, self.end_of_life)


@dataclass(frozen=True)
class Distribution:
    """One rebuild of an EL major."""

    key: str
    name: str
    released: datetime.date
    security_only: datetime.date
    end_of_life: datetime.date
    evidence: Evidence
    newest: Optional[str] = None
    newest_released: Optional[datetime.date] = None

    def status(self, on: datetime.date) -> Status:
        """Return how well the distribution is supported on a day."""
        return status_on(on, self.released, self.security_only, self.end_of_life)


@dataclass(frozen=True)
class ElRelease:
    """One EL major: its distributions and the runtime streams they share."""

    key: str
    distributions: Mapping[str, Distribution]
    php: Tuple[Runtime, ...]
    nodejs: Tuple[Runtime, ...]
    mariadb: Tuple[Runtime, ...]

    @property
    def runtimes(self) -> Mapping[str, Tuple[Runtime, ...]]:
        """All streams by the key they stand under in the data file."""
        return {"php": self.php, "nodejs": self.nodejs, "mariadb": self.mariadb}


@dataclass(frozen=True)
class Catalog:
    """All facts, as of one day; ``series`` is ordered: numbered, then certified, then fixtures.

    ``revision`` counts the catalogs of one day, which are released as one package each. ``part_sources``
    are the source files that a part ("mp3") needs beside its series' own.
    """

    as_of: datetime.date
    references: Mapping[str, str]
    series: Mapping[str, Series]
    sounds: Mapping[str, SoundSet]
    freepbx: Mapping[str, FreePBX]
    el: Mapping[str, ElRelease]
    revision: int = 1
    part_sources: Mapping[str, Source] = field(default_factory=dict)
    release_keys: Tuple[ReleaseKey, ...] = ()

    @property
    def epoch(self) -> int:
        """Midnight UTC of ``as_of`` in seconds since 1970, the default SOURCE_DATE_EPOCH."""
        return calendar.timegm(self.as_of.timetuple())

    def offered(self, on: datetime.date, fixtures: bool = False) -> Tuple[Series, ...]:
        """Return the series an installer may offer on a day; ``fixtures`` adds the lab's own."""
        return tuple(
            series
            for series in self.series.values()
            if series.status(on).supported or (fixtures and series.type is SeriesType.FIXTURE)
        )

    def find(self, name: str) -> Series:
        """Return the series with this key or exact version; raises a usage error naming the known ones."""
        for series in self.series.values():
            if name in (series.key, series.version):
                return series
        known = ", ".join(f"'{series.key}' ({series.version})" for series in self.series.values())
        raise SwitchroomError(
            f"The catalog has no Asterisk series or version '{name}'.",
            hint=f"Known are {known}.",
            code=ExitCode.USAGE,
        )
