"""Where a repository stands: its channels, what differs between them, and what the gate says to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from switchroom.build.repo import binding
from switchroom.build.repo.gate import Gate, Policy, Standing, policy
from switchroom.build.repo.layout import STABLE, TESTING, Channel, all_channels, open_repo, public_key
from switchroom.build.repo.metadata import RepoPackage, without
from switchroom.build.repo.records import Chronicle, examine
from switchroom.build.signatures import verifier
from switchroom.core.errors import SwitchroomError


@dataclass(frozen=True)
class ChannelState:
    """A channel: the generation in force, since when (seconds since 1970), and the earlier ones kept.

    ``debug`` are its packages for debuggers, which are not among ``packages``. ``problem`` says why what is
    in force cannot be read; then both are empty. ``until`` is the last day on which boxes take its metadata,
    empty where they do not say.
    """

    name: str
    el: int
    place: str
    generation: str
    since: Optional[float]
    packages: Tuple[RepoPackage, ...]
    debug: Tuple[RepoPackage, ...]
    earlier: Tuple[str, ...]
    problem: str = ""
    until: str = ""

    def as_dict(self) -> Dict[str, object]:
        """Return it as JSON."""
        names = {
            "packages": [package.nevra for package in self.packages],
            "debug": [package.nevra for package in self.debug],
        }
        return {**vars(self), **names, "earlier": list(self.earlier)}


@dataclass(frozen=True)
class Status:
    """``ahead`` is in testing and not in stable, ``behind`` (NEVRAs) the other way round.

    Debug packages are in neither: they follow what they were built with.
    """

    channels: Tuple[ChannelState, ...]
    policy: Policy
    ahead: Tuple[Standing, ...]
    behind: Tuple[str, ...]
    remarks: Tuple[str, ...] = ()

    def as_dict(self) -> Dict[str, object]:
        """Return it as JSON."""
        return {
            "channels": [channel.as_dict() for channel in self.channels],
            "gate": self.policy.as_dict(),
            "ahead": [_standing(each) for each in self.ahead],
            "behind": list(self.behind),
            "remarks": list(self.remarks),
        }


def status(root: Path) -> Status:
    """Return where a repository stands, by the records that its own keys signed."""
    open_repo(root, TESTING)
    with verifier(public_key(root)) as trusted:
        return status_by(root, examine(root, trusted))


def status_by(root: Path, chronicle: Chronicle) -> Status:
    """Return where a repository stands by some of its records."""
    states = tuple(_state(channel) for channel in all_channels(open_repo(root, TESTING).root))
    held = {(state.name, state.el): state.packages for state in states}
    majors = sorted({state.el for state in states})
    return Status(
        channels=states,
        policy=policy(root),
        ahead=tuple(
            each
            for el in majors
            for each in _standings(root, el, without(held[TESTING, el], held[STABLE, el]), chronicle)
        ),
        behind=tuple(each.nevra for el in majors for each in without(held[STABLE, el], held[TESTING, el])),
        remarks=(*(state.problem for state in states if state.problem), *chronicle.remarks()),
    )


def _standings(root: Path, el: int, packages: Sequence[RepoPackage], chronicle: Chronicle) -> List[Standing]:
    gate = Gate(open_repo(root, TESTING, el), chronicle)
    return [gate.standing(package) for package in packages]


def _state(channel: Channel) -> ChannelState:
    current, (packages, problem) = channel.current, _read(channel)
    number = int(current.name) if current else 0
    return ChannelState(
        name=channel.name,
        el=channel.el,
        place=channel.place,
        generation=current.name if current else "",
        since=channel.made(number) if current else None,
        packages=tuple(package for package in packages if not package.is_debug),
        debug=tuple(package for package in packages if package.is_debug),
        earlier=tuple(f"{each:04d}" for each in channel.numbers() if each < number),
        problem=problem,
        until=_until(channel),
    )


def _until(channel: Channel) -> str:
    said = binding.read(channel.current) if channel.current else None
    return str(said.until) if said and said.until else ""


def _read(channel: Channel) -> Tuple[Tuple[RepoPackage, ...], str]:
    """Return the packages in force, and why they cannot be read."""
    try:
        return channel.all_packages(), ""
    except SwitchroomError as error:
        return (), f"{error.message} {error.hint}"


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
