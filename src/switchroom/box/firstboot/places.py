"""Where the first boot keeps what it needs, and what outlives a crash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from switchroom.box.paths import Paths


@dataclass(frozen=True)
class Places:
    """The places of the first boot, below the box's root."""

    paths: Paths

    @property
    def folder(self) -> Path:
        """What outlives a crash; the installation makes it."""
        return self.paths.state / "first-boot"

    @property
    def due(self) -> Path:
        """The mark that the first boot is still to be done."""
        return self.folder / "due"

    @property
    def attempts(self) -> Path:
        """How many attempts began."""
        return self.folder / "attempts"

    @property
    def running(self) -> Path:
        """The mark of an attempt that has not come to an end, good or bad."""
        return self.folder / "running"

    @property
    def before(self) -> Path:
        """The packages that were installed before the first attempt, one NEVRA a line."""
        return self.folder / "packages-before"

    @property
    def inventory(self) -> Path:
        """What the playbook is told of this box."""
        return self.paths.root / "etc/switchroom/first-boot.yml"

    @property
    def media(self) -> Path:
        """The packages that the installation left for the first boot, and how dnf is to see them."""
        return self.paths.state / "media"

    @property
    def ansible(self) -> Path:
        """Ansible's own scratch; ``ansible.cfg`` of the package names it too."""
        return self.folder / "ansible"

    @property
    def log(self) -> Path:
        """What every task did; for root alone."""
        return self.paths.root / "var/log/switchroom/first-boot.log"

    @property
    def issue(self) -> Path:
        """The part of the login screen that is about this box; a reboot takes it away."""
        return self.paths.root / "run/issue.d/switchroom.issue"

    @property
    def question(self) -> Path:
        """There while the console asks for root's first password."""
        return self.paths.root / "etc/switchroom/first-password"

    @property
    def lock(self) -> Path:
        """Held by the one that works."""
        return self.paths.runtime / "first-boot.lock"
