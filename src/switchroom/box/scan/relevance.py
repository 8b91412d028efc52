"""Which of the many things a dialplan uses this switch is about: the others need not be kept."""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Pattern, Tuple

from switchroom.box.scan.losses import Losses
from switchroom.box.scan.model import Use
from switchroom.catalog.removals import Change

_ALWAYS = ("command", "permission", "module")  # judged by patterns, or by how they are loaded
_CALLED = ("application", "function", "variable", "module")


class Relevance:
    """Answers whether a use's name is lost or part of a change that the switch crosses."""

    def __init__(self, losses: Losses, changes: Iterable[Change]) -> None:
        self._losses = losses
        self._answers: Dict[Tuple[str, str], bool] = {}
        self._patterns: Dict[str, List[Pattern[str]]] = {kind: [] for kind in _CALLED}
        for seen in (seen for change in changes for seen in change.seen):
            for kind in _CALLED:
                if getattr(seen, kind):
                    self._patterns[kind].append(re.compile(getattr(seen, kind), re.IGNORECASE))

    def __call__(self, use: Use) -> bool:
        """Return whether a use has to be kept."""
        key = use.kind, use.name
        if key not in self._answers:
            self._answers[key] = self._judged(*key)
        return self._answers[key]

    def _judged(self, kind: str, name: str) -> bool:
        if kind in _ALWAYS or any(pattern.fullmatch(name) for pattern in self._patterns.get(kind, ())):
            return True
        loss = self._losses.technology(name) if kind == "technology" else self._losses.find(kind, name)
        return loss is not None
