"""The steps before anything is stopped: the target's packages, modules carried over, protection."""

from __future__ import annotations

from typing import Any, Mapping, Tuple

from switchroom.box import modules, packages
from switchroom.box.packages import Kept, TornError
from switchroom.box.switch.restore import own_packages
from switchroom.box.switch.scene import Action, Scene
from switchroom.box.switch.walker import Attempt, Step
from switchroom.catalog.convert import to_dataclass
from switchroom.core.errors import SwitchroomError


class Preparing:
    """Installs the target beside the running engine."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def steps(self) -> Tuple[Step, ...]:
        """Return the steps by their names in the journal."""
        return (
            Action("packages", self._packages),
            Action("carry", self._carry),
            Action("protect", self._protect),
            Action("repair", self._repair),
        )

    def _packages(self, attempt: Attempt) -> Mapping[str, Any]:
        kept = self._kept()
        if kept and attempt.again:
            self._reinstall(kept)
        elif kept:
            self._install(kept)
        self._verify()
        packages.sync(self._scene.paths)
        return {"packages": len(kept)}

    def _repair(self, attempt: Attempt) -> Mapping[str, Any]:
        """Bring packages that a crash left half installed to a whole state."""
        if not attempt.story.half_done("packages"):
            return {"found": True}
        return self._packages(Attempt(attempt.story, True, {}))

    def _install(self, kept: Tuple[Kept, ...]) -> None:
        try:
            packages.install(kept, history=self._history)
        except TornError as error:
            self._scene.events.note(f"{error.message} Installing the whole set again.")
            self._reinstall(kept)

    def _reinstall(self, kept: Tuple[Kept, ...]) -> None:
        packages.reinstall(kept, history=self._history)

    @property
    def _history(self) -> str:
        """The command line that dnf's history shows."""
        return " ".join(self._scene.plan.command)

    def _verify(self) -> None:
        names = [kept.nevra for kept in self._scene.plan.packages] or [self._scene.target.package]
        wrong = packages.verify(names)
        if wrong:
            raise SwitchroomError(
                f"The packages of Asterisk {self._scene.target.name} are not whole after their installation.",
                cause="\n".join(wrong),
                hint=f"Reinstall them: dnf reinstall {self._scene.target.package}",
            )

    def _kept(self) -> Tuple[Kept, ...]:
        return tuple(Kept.from_dict(vars(kept)) for kept in self._scene.plan.packages)

    def _carry(self, _attempt: Attempt) -> Mapping[str, Any]:
        found = tuple(to_dataclass(modules.Foreign, plain) for plain in self._scene.plan.carry)
        results = modules.carry(self._scene.paths, found, self._scene.target) if found else ()
        for left in results:
            if not left.carried:
                self._scene.events.note(f"The module '{left.name}' was not carried over: {left.reason}.")
        packages.sync(self._scene.paths)
        return {"modules": sum(one.carried for one in results)}

    def _protect(self, _attempt: Attempt) -> Mapping[str, Any]:
        names = sorted({*own_packages(self._scene.source), *own_packages(self._scene.target)})
        packages.mark_user(names)
        packages.protect(self._scene.paths, names)
        packages.sync(self._scene.paths)
        return {"names": names}
