"""What a switch is going to do, decided before anything is changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Optional, Tuple

from switchroom.box.engines import Engine
from switchroom.box.paths import Paths
from switchroom.catalog.convert import to_dataclass, to_plain
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import write_atomic


@dataclass(frozen=True)
class EngineName:
    """An engine as the journal keeps it; ``prefix`` is its folder as the box names it."""

    version: str
    build: int
    prefix: str

    @classmethod
    def of(cls, engine: Engine) -> EngineName:
        """Return the name of an engine."""
        return cls(engine.version, engine.build, str(engine.prefix))

    @property
    def engine(self) -> Engine:
        """The engine itself."""
        return Engine(self.version, self.build, Path(self.prefix))

    @property
    def name(self) -> str:
        """The engine as a person names it, for example ``22.10.1-1``."""
        return self.engine.name


@dataclass(frozen=True)
class KeptPackage:
    """An RPM file below the box's folder of packages, its signature already checked."""

    path: str
    nevra: str
    sha256: str


@dataclass(frozen=True)
class Plan:
    """A switch; everything the worker needs, and no secret.

    ``command`` is the command line that asked for it, ``by`` the user. Times are seconds. ``packages`` is
    empty when the target is installed already. ``baseline`` is what ``health.baseline`` measured before.
    ``carry`` are third-party modules of the source that go into the target too, as ``modules.Foreign`` in
    plain words; ``lost`` are parts of the source that the target does not have, such as ``chan_sip``.
    """

    id: str
    created: str
    by: str
    command: Tuple[str, ...]
    source: EngineName
    target: EngineName
    packages: Tuple[KeptPackage, ...]
    drain_timeout: float
    now: bool
    health_timeout: float
    baseline: Optional[Mapping[str, object]] = None
    acknowledged: Tuple[str, ...] = ()
    lost: Tuple[str, ...] = ()
    carry: Tuple[Mapping[str, object], ...] = ()

    def as_dict(self) -> Mapping[str, Any]:
        """Return the plan as what JSON knows."""
        plain: Mapping[str, Any] = to_plain(self)
        return plain

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Plan:
        """Return the plan that ``as_dict`` gave."""
        return to_dataclass(Plan, data)


def submit(paths: Paths, plan: Plan) -> None:
    """Lay a plan where the worker takes it from: it is in force once ``switchroom-resume`` is started."""
    write_atomic(paths.plan, json.dumps(plan.as_dict()).encode(), mode=0o600)


def submitted(paths: Paths) -> Optional[Plan]:
    """Return the plan that waits to be begun, or None."""
    try:
        text = paths.plan.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return Plan.from_dict(json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise SwitchroomError(
            f"The plan '{paths.plan}' cannot be read; nothing was changed.",
            cause=str(error),
            hint=f"Remove '{paths.plan}' and run 'switchroom switch' again.",
            code=ExitCode.REFUSED,
        ) from error
