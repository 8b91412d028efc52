"""Where the build finds its data and keeps its caches."""

from __future__ import annotations

import os
from pathlib import Path

from switchroom.core.errors import ExitCode, SwitchroomError

_PACKAGE = Path(__file__).resolve().parents[1]


def data_path(name: str) -> Path:
    """Return a top-level data folder (``rpmspecs``, ``kickstart``) of a checkout or an installed wheel."""
    for folder in (_PACKAGE.parents[1] / name, _PACKAGE / "_data" / name):
        if folder.is_dir():
            return folder
    raise SwitchroomError(
        f"The data folder '{name}' is missing from this installation.", hint="Install switchroom again."
    )


def cache_dir(*parts: str) -> Path:
    """Return a folder (made if absent) below the build cache.

    ``$SWITCHROOM_CACHE`` names the cache; else it is ``switchroom`` in ``$XDG_CACHE_HOME`` or ``~/.cache``.
    """
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "switchroom"
    folder = Path(os.environ.get("SWITCHROOM_CACHE") or default).joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def source_date_epoch(default: int) -> int:
    """Return the date a build pretends to run on: ``$SOURCE_DATE_EPOCH`` or ``default``, as a Unix time."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if text and not text.isdigit():
        raise SwitchroomError(
            f"SOURCE_DATE_EPOCH is '{text}', which is not a number of seconds since 1970.",
            hint="Set it, for example, with: export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)",
            code=ExitCode.USAGE,
        )
    return int(text) if text else default
