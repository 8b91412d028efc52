"""Volume ids: which are allowed, and how kernel and boot loaders want them written."""

from __future__ import annotations

import re

from switchroom.core.errors import ExitCode, SwitchroomError

_MAXIMUM = 32  # bytes, ECMA-119 8.4.7
# Without ':' (it ends the label in inst.ks=hd:LABEL=X:/path), and without '/', '\' and quotes, which each
# boot loader reads in its own way.
_ALLOWED = re.compile(r"[A-Za-z0-9._+-](?:[A-Za-z0-9._+ -]*[A-Za-z0-9._+-])?")


def check_volume_id(volume_id: str) -> str:
    """Return the volume id, or raise SwitchroomError (code USAGE) that says which rule it breaks."""
    if len(volume_id) > _MAXIMUM:
        raise _refused(volume_id, f"has {len(volume_id)} characters; ISO 9660 has room for {_MAXIMUM}")
    if not _ALLOWED.fullmatch(volume_id):
        raise _refused(volume_id, "may hold letters, digits, '.', '_', '+', '-' and inner spaces only")
    return volume_id


def kernel_label(volume_id: str) -> str:
    r"""Return a volume id as dracut and Anaconda read it after ``LABEL=``: a space is ``\x20``."""
    return volume_id.replace(" ", r"\x20")


def grub_quoted(text: str) -> str:
    """Return text as one word of GRUB's script language, where a bare backslash would be lost."""
    escaped = text.replace("'", r"'\''")
    return f"'{escaped}'"


def _refused(volume_id: str, rule: str) -> SwitchroomError:
    return SwitchroomError(
        f"The volume id '{volume_id}' {rule}.",
        hint="Choose another with --volume-id, for example: --volume-id 'Switchroom 9'",
        code=ExitCode.USAGE,
    )
