"""Where a repository stands: its channels, what differs between them, and what the gate says to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Optional, Tuple

from switchroom.build.repo.gate import Gate, Policy, Standing, policy
from switchroom.build.repo.layout import CHANNELS, STABLE, TESTING, Channel, open_repo
from switchroom.build.repo.metadata import RepoPackage


@dataclass(frozen=True)
class ChannelState:
    """A channel: the generation in force, since when (seconds since 1970), and the earlier ones kept."""

    name: str
    generation: str
    since: Optional[float]
    packages: Tuple[RepoPackage, ...]
    earlier: Tuple[str, ...]

    def as_dict(self) -> Dict[str, object]:
        """Return it as JSON."""
        names = [package.nevra for package in self.packages]
        return {**vars(self), "packages": names, "earlier": list(self.earlier)}


@dataclass(frozen=True)
class Status:
    """``ahead`` is in testing and not in stable, ``behind`` (NEVRAs) the other way round."""

    channels: Tuple[ChannelState, ...]
    policy: Policy
    ahead: Tuple[Standing, ...]
    behind: Tuple[str, ...]

    def as_dict(self) -> Dict[str, object]:
        """Return it as JSON."""
        return {
            "channels": [channel.as_dict() for channel in self.channels],
            "gate": self.policy.as_dict(),
            "ahead": [_standing(each) for each in self.ahead],
            "behind": list(self.behind),
        }


def status(root: Path) -> Status:
    """Return where a repository stands."""
    states = {name: _state(open_repo(root, name)) for name in CHANNELS}
    tested, released = states[TESTING].packages, states[STABLE].packages
    in_testing = {package.file_name for package in tested}
    in_stable = {package.file_name for package in released}
    gate = Gate(root)
    return Status(
        channels=tuple(states.values()),
        policy=policy(root),
        ahead=tuple(gate.standing(each) for each in tested if each.file_name not in in_stable),
        behind=tuple(each.nevra for each in released if each.file_name not in in_testing),
    )


def _state(channel: Channel) -> ChannelState:
    current = channel.current
    number = int(current.name) if current else 0
    return ChannelState(
        name=channel.name,
        generation=current.name if current else "",
        since=channel.made(number) if current else None,
        packages=channel.packages(),
        earlier=tuple(f"{each:04d}" for each in channel.numbers() if each < number),
    )


def _standing(standing: Standing) -> Dict[str, object]:
    results = {
        suite: {"passed": record.detail["passed"], "time": record.time, "note": record.detail.get("note", "")}
        for suite, record in sorted(standing.results.items())
    }
    return {
        "package": standing.package.nevra,
        "days": round(standing.days, 2),
        "results": results,
        "obstacles": list(standing.obstacles),
    }
