"""Where things are on a box, below any root."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The places on a box; ``root`` is ``/`` but for tests and images."""

    root: Path = Path("/")

    @property
    def selector(self) -> Path:
        """The one link that selects the engine."""
        return self.root / "etc/switchroom/engine"

    @property
    def previous(self) -> Path:
        """The link to the engine that ran before, the target of a rollback; may be absent."""
        return self.root / "etc/switchroom/previous"

    @property
    def settings(self) -> Path:
        """The site's own settings; may be absent."""
        return self.root / "etc/switchroom/box.yml"

    @property
    def health_checks(self) -> Path:
        """The folder of the site's own health checks."""
        return self.root / "etc/switchroom/health.d"

    @property
    def engines(self) -> Path:
        """The folder of all engines' prefixes."""
        return self.root / "usr/lib64/switchroom/engines"

    @property
    def asterisk(self) -> Path:
        """Asterisk's configuration."""
        return self.root / "etc/asterisk"

    @property
    def protected(self) -> Path:
        """The list of packages that dnf refuses to remove."""
        return self.root / "etc/dnf/protected.d/switchroom-engines.conf"

    @property
    def state(self) -> Path:
        """What outlives a reboot."""
        return self.root / "var/lib/switchroom"

    @property
    def transaction(self) -> Path:
        """The folder of the transaction that is open; absent when none is."""
        return self.state / "transaction"

    @property
    def history(self) -> Path:
        """The folders of the transactions that ended, by their id."""
        return self.state / "history"

    @property
    def packages(self) -> Path:
        """The RPM files of the open transaction: what repairs it without a network."""
        return self.state / "packages"

    @property
    def runtime(self) -> Path:
        """What a reboot takes away: locks and the plan that waits to be begun."""
        return self.root / "run/switchroom"

    @property
    def plan(self) -> Path:
        """The plan that the command line hands over to the unit that carries it out."""
        return self.runtime / "plan.json"

    def on_box(self, path: Path) -> Path:
        """Return a path below ``root`` as programs on the box name it."""
        return Path("/") / path.relative_to(self.root)

    def from_box(self, name: str) -> Path:
        """Return where the box's path ``name`` is below ``root``."""
        return self.root / os.fspath(name).lstrip("/")
