"""Signing keys: a development key made on the spot, or a production key by fingerprint.

Secrets stay inside gpg and its agent: none is ever put on a command line or logged here, and the only one
read is a passphrase, from a file of its owner's alone, which gpg gets by a pipe. A signature depends on the
input, the key and the given epoch only, so that the same build signs to the same bytes.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Dict, Iterator, Mapping, Optional, Sequence

from switchroom.build.publickeys import PublicKey, read_keys
from switchroom.build.signatures import without_revoked
from switchroom.build.workspace import cache_dir
from switchroom.core import lock, process
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import staging

DEVELOPMENT_UID = "Switchroom DEVELOPMENT key - do not trust"

# Older than any date a build pretends to run on: gpg refuses to sign with a key from the future.
_DEVELOPMENT_CREATED = 946684800  # 2000-01-01
_DEVELOPMENT_RECIPE = f"""%no-protection
Key-Type: RSA
Key-Length: 4096
Key-Usage: sign,cert
Name-Real: {DEVELOPMENT_UID}
Expire-Date: 0
%commit
"""
# A Unix socket's path holds 108 bytes; gpg's longest socket name must fit behind the folder.
_SOCKET_PATH_MAX = 107
_LONGEST_SOCKET = "S.gpg-agent.browser"
_LOCK_SECONDS = 600.0
_SHOWN = 10
_GPG = ("gpg", "--no-options", "--batch", "--no-tty", "--pinentry-mode", "error")


# What an Enterprise Linux host, or mock, puts into a package's release.
_OF_EL = re.compile(r"\.el\d+(_\d+)?(\.|$)")


@dataclass(frozen=True)
class SigningKey:
    """A key that can sign: its 40-digit fingerprint and the GnuPG home that holds it.

    ``signer`` is the fingerprint of the part that signs, where it is a subkey; ``passphrase`` a file.
    """

    fingerprint: str
    gnupghome: Path
    development: bool
    signer: str = ""
    passphrase: Optional[Path] = None
    # gpg's environment while a session is held.
    _opened: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @contextlib.contextmanager
    def held(self) -> Iterator[SigningKey]:
        """Give the same key, whose agent stays for all that it signs in the block."""
        with self._session() as env:
            yield replace(self, _opened=env)

    def export_public(self) -> bytes:
        """Return the public key, ASCII-armoured, the same bytes each time.

        An expired subkey stays in it (gpg's minimal export drops one), a revoked one does not (rpm would
        refuse the whole key).
        """
        with _short_home(self.gnupghome) as home:
            env = {"GNUPGHOME": str(home)}
            whole = _gpg(env, "--armor", "--export", self.fingerprint)
            keys = read_keys(whole)
            if not any(key.is_past(time.time()) for key in keys.keys):
                minimal = ("--export-options", "export-minimal", "--export", self.fingerprint)
                whole = _gpg(env, "--armor", *minimal)
        return without_revoked(whole, keys)

    def signature(self, data: bytes, epoch: int) -> bytes:
        """Return the ASCII-armoured detached signature of some bytes, dated ``epoch``."""
        with self._session() as env:
            return self._sign(env, data, epoch)

    def detach_sign(self, path: Path, epoch: int) -> Path:
        """Write the ASCII-armoured signature ``<path>.asc``, dated ``epoch``, and return its path."""
        signature = path.with_name(path.name + ".asc")
        with self._session() as env:
            signature.write_bytes(self._sign(env, path.read_bytes(), epoch))
        return signature

    def sign_rpms(self, rpms: Sequence[Path], epoch: int) -> None:
        """Sign packages in place, dated ``epoch``; a hard-linked sibling keeps its old content."""
        if not rpms:
            return
        settings = {
            "__gpg": shutil.which("gpg") or "gpg",  # Debian's rpm looks for /usr/bin/gpg2
            "_gpg_name": self._user,
            "_gpg_digest_algo": "sha512",
            "_gpg_sign_cmd_extra_args": " ".join((*_GPG[1:], "--faked-system-time", f"{epoch}!")),
        }
        defines = [word for name, value in settings.items() for word in ("--define", f"{name} {value}")]
        command = ["rpmsign", *defines, "--addsign", *map(str, rpms)]
        with self._session() as env:
            result = process.run(command, what="Signing packages", env=env, check=False)
            if result.returncode != 0:
                self._sign(env, b"", epoch)  # says why, where it is the key
                raise process.failure("Signing packages", command, result)

    def refuse_for_boxes(self, releases: Mapping[str, str]) -> None:
        """Raise SwitchroomError (REFUSED) where a development key would vouch for what real boxes install.

        ``releases`` has the release of each package by the name to show. Whoever has read the build cache
        once has such a key, for it has no passphrase.
        """
        bad = sorted(name for name, release in releases.items() if _OF_EL.search(release))
        if self.development and bad:
            raise SwitchroomError(
                f"The development key signs no packages for Enterprise Linux; these are {len(bad)} of them.",
                cause="\n".join(bad[:_SHOWN]),
                hint="Name the release key with --key FINGERPRINT.",
                code=ExitCode.REFUSED,
            )

    def check_usable(self, epoch: int) -> None:
        """Raise SwitchroomError unless the secret key is there, unlocked and older than ``epoch``."""
        with self._session() as env:
            self._sign(env, b"", epoch)

    @property
    def _user(self) -> str:
        """The very part of the key that gpg has to sign with."""
        return f"{self.signer or self.fingerprint}!"

    def _unlock(self, env: Dict[str, str], file: Path) -> None:
        """Give the passphrase to the agent, by a pipe; it keeps it for what is signed next."""
        command = [*_GPG, "--pinentry-mode", "loopback", "--passphrase-fd", "0", "--local-user", self._user]
        command += ["--output", "-", "--detach-sign", os.devnull]  # gpg removes an output file when it fails
        result = process.run(command, what="gpg", env=env, stdin=read_passphrase(file), check=False)
        if result.returncode != 0:
            raise SwitchroomError(
                f"The passphrase in '{file}' does not unlock the key '{self.fingerprint}'.",
                cause=process.last_lines(result.stderr),
                hint="Put the right one into the file's first line. The agent must allow loopback pinentry.",
                code=ExitCode.REFUSED,
            )

    def _sign(self, env: Dict[str, str], data: bytes, epoch: int) -> bytes:
        words = (*_GPG, "--faked-system-time", f"{epoch}!", "--digest-algo", "SHA512")
        command = [*words, "--armor", "--local-user", self._user, "--detach-sign"]
        result = process.run(command, what="Signing with gpg", env=env, stdin=data, check=False)
        if result.returncode != 0:
            raise self._refusal(result.stderr)
        return result.stdout

    def _refusal(self, stderr: bytes) -> SwitchroomError:
        text = stderr.decode(errors="replace")
        message, hint = f"gpg cannot sign with the key '{self.fingerprint}'.", "Check the key and its agent."
        if "No secret key" in text:
            message = f"There is no secret key '{self.fingerprint}' in '{self.gnupghome}'."
            hint = "Name the home that holds it with --gnupghome, or a fingerprint it holds with --key."
        elif "No pinentry" in text:
            message = f"The key '{self.fingerprint}' is locked by a passphrase."
            unlock = f"gpg --homedir {self.gnupghome} --sign < /dev/null > /dev/null"
            hint = f"Unlock it in its agent first: {unlock}\nWithout a terminal, give --passphrase-file FILE."
        elif "unusable" in text.lower() or "future" in text:
            hint = "The key must not be expired, revoked, or made after SOURCE_DATE_EPOCH."
        return SwitchroomError(message, cause=process.last_lines(stderr), hint=hint, code=ExitCode.REFUSED)

    @contextlib.contextmanager
    def _session(self) -> Iterator[Dict[str, str]]:
        """Give gpg's environment; an agent that was not there before is stopped at the end.

        Sessions with one development key queue up, else one would stop the agent under another's feet.
        A production key's agent may be the operator's own: it is left alone if it already runs.
        """
        if self._opened:
            yield dict(self._opened)
            return
        with contextlib.ExitStack() as stack:
            if self.development:
                stack.enter_context(_development_lock(self.gnupghome.parent))
            env = {"GNUPGHOME": str(stack.enter_context(_short_home(self.gnupghome))), "LC_ALL": "C"}
            if self.development or not _agent_runs(env):
                stack.callback(_stop_agent, env)
            if self.passphrase:
                self._unlock(env, self.passphrase)
            yield env


def development_key(folder: Optional[Path] = None) -> SigningKey:
    """Return the development key of ``folder`` (default: the build cache), made at the first call.

    RSA-4096 with a SHA-512 self-certification and no passphrase. Safe when several processes ask at once.
    """
    process.require("gpg", "gpgconf", "gpg-connect-agent")
    folder = folder or cache_dir("keys")
    home = folder / "development"
    with _development_lock(folder):
        if not home.is_dir():
            with staging(folder, prefix=".new-") as scratch:
                _generate(scratch)
                (scratch / "development").rename(home)
    return SigningKey((home / "fingerprint").read_text().strip(), home, development=True)


def open_key(fingerprint: str, gnupghome: Path, passphrase: Optional[Path] = None) -> SigningKey:
    """Return a production key by its fingerprint, or by that of one of its signing subkeys.

    The primary's secret part may be elsewhere: the newest signing subkey whose secret is there signs. Raises
    SwitchroomError when the home is missing, when nothing of the key that it holds may sign (no secret part
    or smart-card stub, revoked, expired), or when boxes cannot read the key. One with a passphrase has to be
    unlocked in its agent, or by the file ``passphrase``; :meth:`SigningKey.check_usable` tells.
    """
    process.require("gpg", "gpgconf", "gpg-connect-agent")
    wanted = fingerprint.replace(" ", "").upper().removeprefix("0X")
    if len(wanted) != 40 or set(wanted) - set("0123456789ABCDEF"):  # noqa: PLR2004 - SHA-1 in hexadecimal
        raise SwitchroomError(
            f"'{fingerprint}' is not a key fingerprint.",
            hint="Give all 40 hexadecimal digits, as gpg --list-keys prints them.",
            code=ExitCode.USAGE,
        )
    if not gnupghome.is_dir():
        raise SwitchroomError(f"The GnuPG home '{gnupghome}' does not exist.", code=ExitCode.USAGE)
    if passphrase:
        read_passphrase(passphrase)
    signer = _choose_signer(SigningKey(wanted, gnupghome.absolute(), development=False), wanted)
    name = "" if signer.fingerprint == signer.primary else signer.fingerprint
    key = SigningKey(signer.primary, gnupghome.absolute(), False, name, passphrase)
    # It stays one when it is named by its fingerprint.
    return replace(key, development=DEVELOPMENT_UID in read_keys(key.export_public()).keys[0].owner)


def read_passphrase(file: Path) -> bytes:
    """Return the first line of a passphrase file, which must belong to us or root and to nobody else.

    Raises SwitchroomError (code REFUSED) for one that others may read, (USAGE) for one without a passphrase.
    """
    # Without waiting: a pipe that nobody writes to is refused, too.
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
        status = os.fstat(stream.fileno())
        if (
            not stat.S_ISREG(status.st_mode)
            or status.st_mode & 0o077
            or status.st_uid not in (0, os.geteuid())
        ):
            raise SwitchroomError(
                f"The passphrase file '{file}' is not its owner's alone.",
                hint=f"It must be a plain file of yours: chmod 0600 {file}",
                code=ExitCode.REFUSED,
            )
        line = stream.readline().rstrip(b"\r\n")
    if not line:
        raise SwitchroomError(f"There is no passphrase in '{file}'.", code=ExitCode.USAGE)
    return line + b"\n"


def _choose_signer(key: SigningKey, wanted: str) -> PublicKey:
    """Return the part of a key that signs: the one wanted, or the newest that can."""
    present = _secret_parts(key)
    with _short_home(key.gnupghome) as home:
        listed = read_keys(_gpg({"GNUPGHOME": str(home)}, "--armor", "--export", wanted))
    parts = [one for one in listed.keys if present.get(one.fingerprint)]
    if wanted not in listed.fingerprints:
        parts = [one for one in parts if one.fingerprint == wanted]
    for part in sorted(parts, key=lambda one: (one.created, one.fingerprint != one.primary), reverse=True):
        if not any(one.revoked or one.is_past(time.time()) for one in listed.find(part.fingerprint)):
            _check_readable(listed.find(part.fingerprint))
            return part
    raise _cannot_sign(key, [line for part in parts for line in listed.find(part.fingerprint)])


def _cannot_sign(key: SigningKey, parts: Sequence[PublicKey]) -> SwitchroomError:
    why = "its secret part that signs is not there"
    if any(part.revoked for part in parts):
        why = "it was revoked"
    elif parts:
        why = "it has expired"
    return SwitchroomError(
        f"Nothing can be signed with the key '{key.fingerprint}' of '{key.gnupghome}': {why}.",
        hint="Extend an expired key with gpg --quick-set-expire, bring the signing subkey's secret, or sign"
        " with the key's successor.",
        code=ExitCode.REFUSED,
    )


def _check_readable(parts: Sequence[PublicKey]) -> None:
    """Raise SwitchroomError for a key that boxes would refuse."""
    for part in parts:
        if part.is_rsa and not part.short and not part.by_weak_digest:
            continue
        sha1 = "It vouches for itself with SHA-1, which Enterprise Linux 10 refuses."
        raise SwitchroomError(
            f"Boxes would refuse the key '{part.fingerprint}'.",
            cause=sha1 if part.by_weak_digest else "Enterprise Linux 9's rpm reads RSA of 2048 bits or more.",
            hint="Make an RSA key of 3072 bits or more with --cert-digest-algo SHA512.",
            code=ExitCode.REFUSED,
        )


def _secret_parts(key: SigningKey) -> Dict[str, bool]:
    """Return the fingerprints of a key's parts that may sign, and whether each one's secret is there.

    Of gpg's colon listing: field 12 has the uses, field 15 a ``#`` where only the public part is there.
    """
    with key._session() as env:
        command = [*_GPG, "--with-colons", "--list-secret-keys", key.fingerprint]
        result = process.run(command, what="Listing keys", env=env, check=False)
    if result.returncode != 0:
        raise SwitchroomError(
            f"There is no secret key '{key.fingerprint}' in '{key.gnupghome}'.",
            cause=process.last_lines(result.stderr),
            hint="Name the home that holds it with --gnupghome, or a fingerprint it holds with --key.",
            code=ExitCode.REFUSED,
        )
    rows = [line.split(":") for line in result.stdout.decode(errors="replace").splitlines()]
    names = [row[9] for row in rows if row[0] == "fpr"]
    heads = [row for row in rows if row[0] in ("sec", "ssb")]
    return {name: head[14] != "#" for name, head in zip(names, heads) if "s" in head[11]}


def _generate(scratch: Path) -> None:
    """Make the key in ``scratch/development``; the caller moves the folder into place whole."""
    home = scratch / "development"
    home.mkdir(mode=0o700)
    with _short_home(home) as short:
        env = {"GNUPGHOME": str(short), "LC_ALL": "C"}
        try:
            _gpg(
                env,
                *("--faked-system-time", f"{_DEVELOPMENT_CREATED}!", "--cert-digest-algo", "SHA512"),
                "--generate-key",
                stdin=_DEVELOPMENT_RECIPE.encode(),
            )
            listing = _gpg(env, "--with-colons", "--list-secret-keys").decode().splitlines()
        finally:
            _stop_agent(env)
    fingerprint = next(line.split(":")[9] for line in listing if line.startswith("fpr:"))
    (home / "fingerprint").write_text(fingerprint + "\n")


def _development_lock(folder: Path) -> contextlib.AbstractContextManager[None]:
    return lock.exclusive(folder / ".lock", what="the development key", wait=_LOCK_SECONDS)


@contextlib.contextmanager
def _short_home(home: Path) -> Iterator[Path]:
    """Give a path of ``home`` that is short enough for the sockets of gpg's agent."""
    if len(os.fsencode(home / _LONGEST_SOCKET)) <= _SOCKET_PATH_MAX:
        yield home
        return
    folder = Path(tempfile.mkdtemp(prefix="gpg-"))
    try:
        link = folder / "h"
        link.symlink_to(home.absolute())
        yield link
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _gpg(env: Dict[str, str], *words: str, stdin: bytes = b"") -> bytes:
    return process.run([*_GPG, *words], what="gpg", env=env, stdin=stdin).stdout


def _agent_runs(env: Dict[str, str]) -> bool:
    ask = ["gpg-connect-agent", "--no-autostart", "GETINFO pid", "/bye"]
    return process.run(ask, env=env, check=False).stdout.startswith(b"D ")


def _stop_agent(env: Dict[str, str]) -> None:
    process.run(["gpgconf", "--kill", "gpg-agent"], env=env, check=False)
