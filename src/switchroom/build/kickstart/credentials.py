"""Root's ssh keys and password hash, read from files and never from a command line."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from pathlib import Path

from switchroom.core.errors import ExitCode, SwitchroomError

# crypt(5): SHA-512 and yescrypt, what EL9 and EL10 use; the salt's and the hash's alphabet is ./0-9A-Za-z.
_HASHES = (
    re.compile(r"\$6\$(rounds=\d{4,9}\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{86}"),
    re.compile(r"\$y\$[./0-9A-Za-z]+\$[./0-9A-Za-z]{1,86}\$[./0-9A-Za-z]{43}"),
)
# What sshd of EL9 and EL10 lets in; not DSA, and a certificate is no key of its own in authorized_keys.
_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_KEY = re.compile(r"(\S+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+(.*))?")
_KEY_LINE_LIMIT = 16384
# What can stand between the double quotes of a kickstart's line.
_COMMENT = re.compile(r"[ !#-\[\]-~]*")
_ENCODINGS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


_HINT = "Give the .pub file that ssh-keygen made, one key a line: type, key and a comment."
# What a line looks like, and what is said of it; the first that fits.
_REASONS = (
    (r"-+ ?BEGIN SSH2 PUBLIC.*", "It is in the format of RFC 4716: ssh-keygen -i -f FILE converts it."),
    (r"-+ ?BEGIN.*|PuTTY-User-Key-File.*", "It is a private key, or a key of another program."),
    (r"\S+-cert-v\d+@openssh\.com\s.*", "It is a certificate; the key is in the file without '-cert'."),
    (r"ssh-dss\s.*", "It is a DSA key, which Enterprise Linux 9 and 10 do not take."),
    (rf"({'|'.join(map(re.escape, _TYPES))})(\s.*)?", "It is torn: what follows its type is no whole key."),
    (r".*\s(ssh|ecdsa|sk)-\S+\s.*", "Options in front of a key are not kept; without them it opens more."),
    (r".*", "It does not begin with a type such as 'ssh-ed25519'."),
)


def read_ssh_keys(text: str, origin: str) -> tuple[str, ...]:
    """Return the public keys of an ``authorized_keys`` text, each once, as a kickstart takes them.

    A comment behind a key stays when it is plain ASCII without double quotes and backslashes, and is
    dropped otherwise. ``origin`` names the text in the error. SwitchroomError (usage), with the reason, for
    a line that is no public key, or has options in front.
    """
    lines = [line.strip(" \t\ufeff") for line in re.split(r"\r\n?|\n", text)]
    keys = [line for line in lines if line and not line.startswith("#")]
    named = [(key, f"Key {number} in {origin}") for number, key in enumerate(keys, start=1)]
    return tuple(dict.fromkeys(_public_key(key, name) for key, name in named))


def _public_key(line: str, name: str) -> str:
    found = _KEY.fullmatch(line) if len(line) <= _KEY_LINE_LIMIT else None
    if found is None or found[1] not in _TYPES or not _is_blob(found[2], found[1]):
        raise SwitchroomError(
            f"{name} is not an OpenSSH public key that a box takes.",
            cause=next(reason for shape, reason in _REASONS if re.fullmatch(shape, line)),
            hint=_HINT,
            code=ExitCode.USAGE,
        )
    comment = found[3] if _COMMENT.fullmatch(found[3] or "") else None
    return " ".join(filter(None, (found[1], found[2], comment)))


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
        content = path.read_bytes()
        encoding = next((name for mark, name in _ENCODINGS.items() if content.startswith(mark)), "utf-8")
        return content.decode(encoding)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SwitchroomError(
            f"The {what} file '{path}' cannot be read: {reason}.",
            hint="Check the path and its permissions.",
            code=ExitCode.USAGE,
        ) from error


def _is_blob(text: str, kind: str) -> bool:
    """Return whether a text is a whole key: strings with their length in front (RFC 4253), first the type."""
    try:
        rest = base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    fields: list[bytes] = []
    while rest:
        end = 4 + int.from_bytes(rest[:4], "big")
        if len(rest) < end:
            return False
        fields.append(rest[4:end])
        rest = rest[end:]
    return len(fields) > 1 and fields[0] == kind.encode()
