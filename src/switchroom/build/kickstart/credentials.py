"""Root's ssh keys and password hash, read from files and never from a command line."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from switchroom.core.errors import ExitCode, SwitchroomError

# crypt(5): SHA-512 and yescrypt, what EL9 and EL10 use; the salt's and the hash's alphabet is ./0-9A-Za-z.
_HASHES = (
    re.compile(r"\$6\$(rounds=\d{4,9}\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{86}"),
    re.compile(r"\$y\$[./0-9A-Za-z]+\$[./0-9A-Za-z]{1,86}\$[./0-9A-Za-z]{43}"),
)
_KEY = re.compile(r"((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})(?: +([\w@.+-]+))?")
_KEY_LINE_LIMIT = 16384


def read_ssh_keys(text: str, origin: str) -> tuple[str, ...]:
    """Return the public keys of an ``authorized_keys`` text (without options), one a line.

    ``origin`` names the text in the error. SwitchroomError (usage) for a line that is no public key.
    """
    lines = [line.strip() for line in text.splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    for number, key in enumerate(keys, start=1):
        if not _is_public_key(key):
            raise SwitchroomError(
                f"Key {number} in {origin} is not an OpenSSH public key.",
                hint="Give the .pub file that ssh-keygen made: no options in front, a plain comment behind.",
                code=ExitCode.USAGE,
            )
    return tuple(keys)


def read_password_hash(text: str, origin: str) -> str:
    """Return the password hash a text holds; SwitchroomError (usage) for anything else, never shown."""
    value = text.strip()
    if not any(shape.fullmatch(value) for shape in _HASHES):
        raise SwitchroomError(
            f"What {origin} holds is not a SHA-512 ($6$) or yescrypt ($y$) password hash.",
            hint="A plain password is refused. Make a hash with: mkpasswd -m sha-512, or openssl passwd -6",
            code=ExitCode.USAGE,
        )
    return value


def ssh_keys_of(path: Path) -> tuple[str, ...]:
    """Return the public keys in a file; SwitchroomError (usage) when it cannot be read or holds none."""
    keys = read_ssh_keys(_read(path, "ssh key"), f"'{path}'")
    if not keys:
        raise SwitchroomError(
            f"The ssh key file '{path}' holds no key.", hint="Give a .pub file.", code=ExitCode.USAGE
        )
    return keys


def password_hash_of(path: Path) -> str:
    """Return the password hash in a file; SwitchroomError (usage) when it cannot be read or holds none."""
    return read_password_hash(_read(path, "password hash"), f"'{path}'")


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SwitchroomError(
            f"The {what} file '{path}' cannot be read: {reason}.",
            hint="Check the path and its permissions.",
            code=ExitCode.USAGE,
        ) from error


def _is_public_key(key: str) -> bool:
    found = _KEY.fullmatch(key)
    if found is None or len(key) > _KEY_LINE_LIMIT:
        return False
    try:
        blob = base64.b64decode(found[2], validate=True)
    except binascii.Error:
        return False
    # RFC 4253: the blob starts with the length of the type's name and the name itself.
    name = found[1].encode()
    return blob.startswith(len(name).to_bytes(4, "big") + name)
