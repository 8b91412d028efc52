"""A channel's exact set as a plain repository folder, for an installer image."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Sequence, Tuple

from switchroom.build.keys import SigningKey
from switchroom.build.repo import layout
from switchroom.build.repo.binding import MEDIUM, Binding
from switchroom.build.repo.generation import write_repository
from switchroom.build.repo.keyring import trusted_keys
from switchroom.build.repo.metadata import RepoPackage
from switchroom.build.repo.select import select
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import staging


def export_media(
    root: Path,
    channel: str,
    dest: Path,
    *,
    key: SigningKey,
    epoch: int,
    el: int,
    names: Optional[Sequence[str]] = None,
) -> Tuple[RepoPackage, ...]:
    """Write packages and signed metadata of a channel to the new folder ``dest`` and return the set.

    ``el`` is the Enterprise Linux major they are for.
    ``names`` (package names or NEVRAs; a name means its newest version) narrows the set; debug packages are
    never in it. The same set,
    key and epoch give the same bytes. Raises SwitchroomError when ``dest`` exists, a name is unknown, or
    the repository is signed by another key.
    """
    if dest.exists():
        raise SwitchroomError(
            f"The folder '{dest}' exists already.", hint="Name a new one.", code=ExitCode.REFUSED
        )
    source = layout.open_repo(root, channel, el)
    trusted_keys(root, key)
    available = source.packages()
    chosen = select(available, names, where=channel) if names is not None else available
    if not chosen:
        raise SwitchroomError(
            f"The channel '{channel}' for Enterprise Linux {el} of '{root}' is empty.",
            hint=f"Publish packages to it first: switchroom repo publish --el {el}",
        )
    with staging(dest.parent) as scratch:
        write_repository(scratch / "media", chosen, key, epoch, Binding(MEDIUM, el)).rename(dest)
    return chosen
