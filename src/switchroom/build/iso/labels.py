"""Volume ids: which are allowed, and how kernel and boot loaders want them written."""

from __future__ import annotations

from switchroom.core.errors import ExitCode, SwitchroomError

_MAXIMUM = 32  # bytes, ECMA-119 8.4.7
_WITHOUT = ":"  # it ends the label in inst.ks=hd:LABEL=X:/path
# What udev leaves as it is in the names below /dev/disk/by-label, by which the installer finds its medium.
# Source: systemd, src/shared/device-nodes.c.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#+-.:=@_")


def check_volume_id(volume_id: str) -> str:
    """Return the volume id, or raise SwitchroomError (code USAGE) that says which rule it breaks."""
    if not volume_id:
        raise _refused(volume_id, "is empty")
    if len(volume_id.encode()) > _MAXIMUM:
        raise _refused(volume_id, f"has {len(volume_id.encode())} bytes; ISO 9660 has room for {_MAXIMUM}")
    bad = sorted({one for one in volume_id if not " " <= one <= "~" or one in _WITHOUT})
    if bad:
        shown = ", ".join(map(repr, bad))
        raise _refused(volume_id, f"may hold printable ASCII characters except ':' only, not {shown}")
    if volume_id != volume_id.strip():
        raise _refused(volume_id, "begins or ends with a space, which ISO 9660 cannot tell from its padding")
    return volume_id


def kernel_label(volume_id: str) -> str:
    r"""Return a volume id as the installer reads it after ``LABEL=``: udev's way, a space is ``\x20``."""
    return "".join(one if one in _PLAIN else f"\\x{ord(one):02x}" for one in volume_id)


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
