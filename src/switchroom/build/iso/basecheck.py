"""Whether a base is whole: by its publisher's checksum, else by the media checksum that it carries itself."""

from __future__ import annotations

import contextlib
import enum
from pathlib import Path
from typing import Callable, List, Optional, Tuple

from switchroom.build.iso import xorriso
from switchroom.build.iso.base import state
from switchroom.build.iso.boot_area import SIZE as HEAD_SIZE
from switchroom.build.iso.copying import BaseSums, Copying
from switchroom.build.iso.mediasum import MediaCheck, embedded, has_field, volume_size
from switchroom.build.iso.origin import Found, mismatch
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.progress import Reporter

_SHOWN = 12  # files named for one range


class Checked(str, enum.Enum):
    """What says that a base is whole; the words stand in manifests."""

    PUBLISHER = "the publisher's signed checksums"
    NAMED = "a SHA-256 that was named"
    MEDIUM = "its own media checksum"
    NOTHING = "nothing: it carries no media checksum"
    UNVERIFIED = "nothing: --base-unverified"


class BaseCheck:
    """The check of one base while its bytes pass; ``by`` is what says that it is whole.

    ``seen`` is the file's state before. Raises SwitchroomError (usage) where there is none.

    A media checksum is compared only where no checksum of the publisher is: that one says all the other
    could, and a second sum of every byte costs as much as the first.
    """

    def __init__(self, found: Found, unverified: bool) -> None:
        self._found, self.seen = found, state(found.path)
        with found.path.open("rb") as stream:
            self._head = stream.read(HEAD_SIZE)
        self._carries = has_field(self._head)
        self.by = self._checked(unverified)

    def _checked(self, unverified: bool) -> Checked:
        if self._found.sha256:
            return Checked.PUBLISHER if self._found.signed else Checked.NAMED
        if unverified:
            return Checked.UNVERIFIED
        return Checked.MEDIUM if self._carries else Checked.NOTHING

    def tell(self, reporter: Reporter) -> None:
        """Warn where nothing says that the base is whole."""
        name = self._found.path.name
        if self.by in (Checked.NOTHING, Checked.UNVERIFIED):
            why = self.by.value.partition(": ")[2]
            reporter.warn(f"nothing says that the base '{name}' is whole ({why}); --base-sums would")

    def copying(self, image: Optional[Path], advance: Callable[[int], None] = lambda _count: None) -> Copying:
        """Return what copies the base to ``image``, if there is one, and fails if it is found damaged."""
        compare = self._carries and not self._found.sha256
        media = MediaCheck(volume_size(self._head), embedded(self._head)) if compare else None

        def passed(count: int) -> None:
            if media and media.damage and self.by is Checked.MEDIUM:
                raise _damaged(self._found.path, media.damage)
            advance(count)

        return Copying(self._found.path, image, media, passed)

    def settle(self, copying: Copying, reporter: Reporter) -> None:
        """Wait until a checksum that was given holds; before it does, nothing of the base may be parsed.

        Raises SwitchroomError (refused) when it does not.
        """
        if self._found.sha256:
            with reporter.step("Comparing the base with its checksum"):
                self.judge(copying.finish(), reporter)

    def judge(self, sums: BaseSums, reporter: Reporter) -> None:
        """Raise SwitchroomError (refused) for a base that is not its publisher's; tell of damage let pass."""
        if self._found.sha256 not in ("", sums.sha256):
            raise mismatch(self._found.path, self._found.sha256, sums.sha256)
        if sums.damage:
            reporter.warn(_damaged(self._found.path, sums.damage).message)


def _damaged(base: Path, damage: Tuple[int, int]) -> SwitchroomError:
    start, end = damage
    places = _files(base, damage)
    return SwitchroomError(
        f"The base '{base.name}' is damaged between the bytes {start} and {end - 1}: there it differs from"
        " the media checksum that it carries.",
        cause=f"There lie: {', '.join(places)}" if places else "",
        hint="Download it again. To use it as it is, which its manifest will then say: --base-unverified",
        code=ExitCode.REFUSED,
    )


def _files(base: Path, damage: Tuple[int, int]) -> List[str]:
    """Return the files in a range of a base, as far as it can still be read."""
    start, end = damage
    found: List[str] = []
    with contextlib.suppress(SwitchroomError):
        for name, extents in xorriso.extents(base).items():
            if any(at < end and start < at + size for at, size in extents):
                found.append(f"'{name}'")
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return [*found[:_SHOWN], *more]
