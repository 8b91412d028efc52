"""What changes the box's packages; each function may be called again after any crash."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

from switchroom.box.packages.client import QUIET, Progress, ask
from switchroom.box.packages.model import Kept
from switchroom.box.packages.state import verify
from switchroom.box.paths import Paths
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import write_atomic
from switchroom.core.progress import Reporter

_HISTORY = "switchroom switch"


def rehearse(kept: Sequence[Kept], *, reporter: Reporter = QUIET) -> None:
    """Have rpm try the installation without doing it: signatures, files in conflict, space.

    Raises SwitchroomError (REFUSED) with rpm's reasons. A failing scriptlet is not foreseen by this.
    """
    if kept:
        ask("rehearse", reporter=reporter, packages=[one.as_dict() for one in kept])


def install(
    kept: Sequence[Kept],
    *,
    history: str = _HISTORY,
    progress: Optional[Progress] = None,
    reporter: Reporter = QUIET,
) -> Tuple[str, ...]:
    """Install package files, each signature checked again; what is installed already is installed again.

    ``history`` is the command line that ``dnf history`` shows; ``progress`` is told (done, total) in
    packages. Returns what the scriptlets printed. Raises SwitchroomError when rpm refuses (REFUSED), or a
    package is not installed afterwards or a scriptlet failed (FAILED), and TornError when it never ended.
    """
    if not kept:
        return ()
    packages = [one.as_dict() for one in kept]
    answer = ask(
        "install", progress=progress, reporter=reporter, changing=True, packages=packages, history=history
    )
    return tuple(answer.last["value"]["scriptlets"])


def reinstall(
    kept: Sequence[Kept],
    *,
    history: str = _HISTORY,
    progress: Optional[Progress] = None,
    reporter: Reporter = QUIET,
) -> Tuple[str, ...]:
    """Make the packages of a torn transaction whole, from their files alone, and prove it.

    All scriptlets run, since nothing tells which were lost; an older version left beside one goes; unfinished
    files go. Raises as ``install`` does, and SwitchroomError (FAILED) with rpm's lines if something is not
    whole after all.
    """
    said = install(kept, history=history, progress=progress, reporter=reporter)
    lines = verify([one.nevra for one in kept])
    if lines:
        raise SwitchroomError(
            "The packages are not whole, though they were installed again.",
            cause="\n".join(lines),
            hint="Check the file system and the disk, then run: switchroom resume",
        )
    return said


def remove(names: Sequence[str], *, history: str = "switchroom switch --prune") -> Tuple[str, ...]:
    """Remove packages and nothing else; return what was removed. Names not installed are done already.

    Raises SwitchroomError (REFUSED) when something that stays needs them, or dnf protects them.
    """
    answer = ask("remove", changing=True, names=list(names), history=history)
    return tuple(answer.last["value"]["removed"])


def mark_user(names: Sequence[str], *, history: str = _HISTORY) -> Tuple[str, ...]:
    """Mark packages as installed by the user, so that autoremove spares them; return those newly marked."""
    answer = ask("mark", names=list(names), history=history)
    return tuple(answer.last["value"]["marked"])


def protect(paths: Paths, names: Sequence[str]) -> None:
    """Make these the packages that dnf refuses to remove, in place of those before; durable on return."""
    text = "".join(f"{name}\n" for name in sorted(set(names)))
    if not paths.protected.is_file() or paths.protected.read_text(encoding="utf-8") != text:
        write_atomic(paths.protected, text.encode())
