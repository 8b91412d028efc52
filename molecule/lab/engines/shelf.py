"""All engines a test can ask for, each made when it is first asked for, and repositories that offer them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Mapping, Sequence

from lab.engines.broken import FAULTS, broken
from lab.engines.keep import LabEngine
from lab.engines.relabel import relabel
from lab.engines.repack import NotOfferedError, ensure_16
from switchroom.catalog.model import Series

_CURRENT, _FIXTURE = "22", "99"
_FOR_DEBUGGERS = ("-debuginfo-", "-debugsource-")


class Shelf:
    """The engines of the lab, from the built ``packages`` of the ``series`` 22 and 99.

    They come without their debug packages: a relabelled engine has none, and no test of a switch needs any.
    """

    def __init__(self, packages: Sequence[Path], series: Mapping[str, Series]) -> None:
        self._packages = [rpm for rpm in packages if not any(word in rpm.name for word in _FOR_DEBUGGERS)]
        self._series = series

    @property
    def shared(self) -> tuple[Path, ...]:
        """The packages that belong to no engine."""
        owned = {rpm for key in self._series for rpm in self._built(key).packages}
        return tuple(rpm for rpm in self._packages if rpm not in owned)

    @property
    def current(self) -> LabEngine:
        """The engine of series 22 as it was built."""
        return self._built(_CURRENT)

    @property
    def newer(self) -> LabEngine:
        """The next version of series 22: the current one, relabelled."""
        return relabel(self.current.series, self._packages, self.later(0))

    @property
    def other_major(self) -> LabEngine:
        """Asterisk 16 or, where ``why_no_16`` tells a reason, the fixture 99 in its place."""
        return self.sixteen or self._built(_FIXTURE)

    @property
    def sixteen(self) -> LabEngine | None:
        """Asterisk 16 as Debian built it, or None where it cannot be had."""
        return self._sixteen[0]

    @property
    def why_no_16(self) -> str:
        """Why there is no Asterisk 16; empty where there is one."""
        return self._sixteen[1]

    def broken(self, fault: str) -> LabEngine:
        """Return series 22 with one of ``FAULTS``, under a version of its own, later than ``newer``."""
        version = self.later(1 + list(FAULTS).index(fault))
        return broken(self.current.series, self._packages, fault, version)

    def later(self, count: int) -> str:
        """Return the version ``count`` patch releases after the next minor release of series 22.

        It is as long as the current one; where the next minor's number is longer, it is a later patch.
        """
        major, minor, patch = self.current.series.version.split(".")
        following = str(int(minor) + 1)
        if len(following) == len(minor):
            return f"{major}.{following}.{count}"
        return f"{major}.{minor}.{int(patch) + 1 + count}"

    @functools.cached_property
    def _sixteen(self) -> tuple[LabEngine | None, str]:
        try:
            return ensure_16(), ""
        except NotOfferedError as error:
            return None, error.message

    def _built(self, key: str) -> LabEngine:
        series = self._series[key]
        names = (f"{series.engine}-", f"{series.meta}-")
        return LabEngine(series, tuple(rpm for rpm in self._packages if rpm.name.startswith(names)))
