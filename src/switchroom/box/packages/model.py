"""What there is to install, what would be installed, and what lies ready to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Tuple

from switchroom.box.engines import Engine
from switchroom.core.errors import ExitCode, SwitchroomError


@dataclass(frozen=True)
class Offer:
    """An engine that is installed, or that a repository offers; ``repository`` is empty where none does.

    Sizes are in bytes: of the package file (0 where no repository offers it) and of what it unpacks to.
    """

    series: str
    engine: Engine
    nevra: str
    installed: bool
    repository: str
    download_bytes: int
    install_bytes: int
    fixture: bool


@dataclass(frozen=True)
class Item:
    """One package of a transaction; ``action`` is install, upgrade or reinstall."""

    nevra: str
    name: str
    repository: str
    action: str
    download_bytes: int
    install_bytes: int


@dataclass(frozen=True)
class Resolution:
    """The transaction that brings an engine onto the box; without packages, everything is there and whole.

    ``wanted`` are the names of the engine, its module packages and, if it is the newest of its series, its
    meta packages; ``missing`` the module packages asked for that this engine does not have; ``remarks`` what
    to tell a person, such as a repository that did not answer.
    """

    channel: str
    packages: Tuple[Item, ...]
    wanted: Tuple[str, ...]
    missing: Tuple[str, ...]
    remarks: Tuple[str, ...]

    @property
    def download_bytes(self) -> int:
        """The size of all package files."""
        return sum(item.download_bytes for item in self.packages)

    @property
    def install_bytes(self) -> int:
        """The size of all they unpack to."""
        return sum(item.install_bytes for item in self.packages)


@dataclass(frozen=True)
class Kept:
    """A package file whose signature was checked; ``sha256`` in lower-case hexadecimal."""

    path: Path
    nevra: str
    sha256: str

    def as_dict(self) -> Dict[str, str]:
        """Return it as JSON."""
        return {"path": str(self.path), "nevra": self.nevra, "sha256": self.sha256}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Kept:
        """Return what ``as_dict`` made JSON of."""
        return cls(Path(data["path"]), data["nevra"], data["sha256"])


class TornError(SwitchroomError):
    """A package transaction that did not come to its end: only ``reinstall`` makes the packages whole."""

    def __init__(self, message: str, cause: str) -> None:
        super().__init__(
            message,
            cause=cause,
            hint="The packages are made whole by installing all of them again: switchroom resume",
            code=ExitCode.ATTENTION,
        )
