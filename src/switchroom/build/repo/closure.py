"""Checks that a set of packages closes: each requirement is met inside it, or by the base system."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Sequence, Set

from switchroom.build.repo.evr import Dependency
from switchroom.build.repo.metadata import RepoPackage

# Nobody else may provide these to a box: EPEL's asterisk is kept out by a conflict in asterisk-common.
OUR_NAMES = ("asterisk", "switchroom")


class Capabilities:
    """Everything a set of packages offers: provides and files; what those ``asleep`` do counts for nothing.

    They are of module streams that a box has not by default.
    """

    def __init__(self, packages: Iterable[RepoPackage], asleep: Sequence[RepoPackage] = ()) -> None:
        self._asleep = Capabilities(asleep) if asleep else None
        self._provides: Dict[str, List[Dependency]] = {}
        self._files: Set[str] = set()
        for package in packages:
            self._files.update(package.files)
            for provide in package.provides:
                self._provides.setdefault(provide.name, []).append(provide)

    def names(self, dependency: Dependency) -> bool:
        """Tell whether the dependency's name is offered, in whatever version."""
        return dependency.name in self._provides or dependency.name in self._files

    def would_satisfy(self, dependency: Dependency) -> bool:
        """Tell whether a package that is asleep would meet the dependency."""
        return self._asleep is not None and self._asleep.satisfy(dependency)

    def satisfy(self, dependency: Dependency) -> bool:
        """Tell whether the dependency is met."""
        offers = self._provides.get(dependency.name, ())
        return dependency.name in self._files or any(dependency.satisfied_by(offer) for offer in offers)


@dataclass
class Closure:
    """The requirements a set does not meet itself, one line each: ``requirement (needed by NEVRA, ...)``."""

    broken: List[str] = field(default_factory=list)
    left_to_base: List[str] = field(default_factory=list)


def check_closure(
    packages: Sequence[RepoPackage], ours: Capabilities, bases: Sequence[Capabilities]
) -> Closure:
    """Check every requirement of ``packages``.

    One that names a capability of ours (``ours``: all channels together), or begins with one of
    ``OUR_NAMES``, must be met inside the set. Any other must be met there or by one of ``bases``; with none
    given it is left to the base system. Rich dependencies ("(a if b)") are left to dnf.
    """
    closure, inside = Closure(), Capabilities(packages)
    for need, users in _needs(packages).items():
        line = f"{need} (needed by {', '.join(sorted(users))})"
        own = ours.names(need) or need.name.startswith(OUR_NAMES)
        if inside.satisfy(need) or (not own and any(base.satisfy(need) for base in bases)):
            continue
        if any(base.would_satisfy(need) for base in bases):
            line += ": only a module stream that boxes do not have by default provides it"
        rich = need.name.startswith("(")
        if own or (bases and not rich):
            closure.broken.append(line)
        else:
            closure.left_to_base.append(line)
    closure.broken.sort()
    closure.left_to_base.sort()
    return closure


def _needs(packages: Sequence[RepoPackage]) -> Dict[Dependency, Set[str]]:
    needs: Dict[Dependency, Set[str]] = {}
    for package in packages:
        for need in package.requires:
            needs.setdefault(need, set()).add(package.nevra)
    return needs
