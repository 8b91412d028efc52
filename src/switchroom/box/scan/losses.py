"""What the target lacks of what the source had: by the two inventories where known, else by the removals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional

from switchroom.box.scan.model import Side
from switchroom.catalog.model import Catalog
from switchroom.catalog.removals import Removal, Removals


@dataclass(frozen=True)
class Loss:
    """Why a name is gone, and what takes its place as far as known; ``name`` is as Asterisk writes it."""

    name: str
    reason: str
    replacement: str = ""
    note: str = ""


class Losses:
    """Answers whether a move from one side to the other loses a name."""

    def __init__(self, catalog: Catalog, removals: Removals, source: Side, target: Side) -> None:
        self.source, self.target, self.removals = source, target, removals
        self.from_major, self.to_major = source.major(catalog), target.major(catalog)
        self.same_series = source.series(catalog) == target.series(catalog)
        self._by_name: Dict[str, Dict[str, Removal]] = {
            kind: {name.lower(): removal for name, removal in entries.items()}
            for kind, entries in removals.removals.items()
        }

    def find(self, kind: str, name: str) -> Optional[Loss]:
        """Return the loss of a name, or None: names that neither side is known to have are not lost."""
        if self._target_has(kind, name):
            return None
        removal = self.removal(kind, name)
        if removal and self._crosses(removal):
            return self._removed(removal)
        return self._gap(kind, name) or self._compared(kind, name)

    def removal(self, kind: str, name: str) -> Optional[Removal]:
        """Return what the removals say of a name, lost on this move or not."""
        return self._by_name.get(kind, {}).get(name.lower())

    def removed(self, kind: str) -> Dict[str, Removal]:
        """Return the removals of a kind that this move crosses, by their name."""
        found = self.removals.removals[kind].items()
        return {name: removal for name, removal in found if self._crosses(removal)}

    def technology(self, name: str) -> Optional[Loss]:
        """Return the loss of a channel technology (``SIP`` of ``Dial(SIP/…)``): that of its driver."""
        return self.find("module", f"chan_{name.lower()}")

    def lacks_module(self, name: str) -> Optional[Loss]:
        """Return why the target has no module of a name, lost on this move or never there; else None."""
        loss = self.find("module", name)
        inventory = self.target.inventory
        if loss is None and inventory and not inventory.has("module", name):
            return Loss(name, f"Asterisk {self.target.version} has no such module", note=self._package(name))
        return loss

    def _target_has(self, kind: str, name: str) -> bool:
        inventory, other = self.target.inventory, self.source.inventory
        return inventory is not None and inventory.has(kind, name, other)

    def _crosses(self, removal: Removal) -> bool:
        return bool(removal.removed_in) and self.from_major < int(str(removal.removed_in)) <= self.to_major

    def _removed(self, removal: Removal) -> Loss:
        advice = removal.replacement
        if advice and removal.replacement_unverified:
            advice += " (our advice, unverified)"
        return Loss(removal.name, f"it is gone since Asterisk {removal.removed_in}", advice, removal.note)

    def _gap(self, kind: str, name: str) -> Optional[Loss]:
        inventory = self.source.inventory
        if inventory is not None and not inventory.has(kind, name, self.target.inventory):
            return None
        for gap in self.removals.backport_gaps:
            names = {other.lower(): other for other in gap.names(kind)}
            crossed = (self.from_major, self.to_major) == (int(gap.lower), int(gap.upper))
            if crossed and name.lower() in names:
                reason = (
                    f"Asterisk {self.target.version} was branched before it came; later series have it again"
                )
                return Loss(names[name.lower()], reason, note="A backport gap.")
        return None

    def _compared(self, kind: str, name: str) -> Optional[Loss]:
        have, will = self.source.inventory, self.target.inventory
        if have is None or will is None or not have.has(kind, name, will):
            return None
        reason = f"Asterisk {self.source.version} has it, {self.target.version} has not"
        module = name if kind == "module" else will.documented.get(kind, {}).get(name.lower(), "")
        return Loss(name, reason, note=self._package(module))

    def _package(self, module: str) -> str:
        inventory = self.target.inventory
        if not module or inventory is None or not inventory.knows_module(module):
            return ""
        return f"The target's documentation tells of '{module}': it may come in a package of its own."
