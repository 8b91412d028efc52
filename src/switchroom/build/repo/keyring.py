"""The keys a repository hands to its readers: one, or the old and the new one while a key is replaced.

Where there are several, whoever signs with one of them has vouched for the file: its detached signatures,
one a key, lie beside it. So a key that somebody slips into the file makes no record and no package count.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, Sequence, Tuple

from switchroom.build.keys import SigningKey
from switchroom.build.publickeys import PublicKeys, read_keys
from switchroom.build.repo import layout, page, records
from switchroom.build.repo.verify import problems_by
from switchroom.build.signatures import UntrustedError, Verifier, separate, verifier
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import write_atomic


@dataclass(frozen=True)
class Handed:
    """The keys handed out: each one's fingerprint with owner and state, and what was changed."""

    keys: Dict[str, str]
    added: Tuple[str, ...] = ()
    removed: Tuple[str, ...] = ()

    def as_dict(self) -> Dict[str, object]:
        """Return it as JSON."""
        return asdict(self)


def trusted_keys(root: Path, key: SigningKey) -> bytes:
    """Return the keys that count in a repository for who signs with ``key``: those handed out, or only it.

    Raises SwitchroomError (code REFUSED) when the repository hands out other keys, or further ones that this
    key's holder has not vouched for.
    """
    exported = key.export_public()
    handed = layout.public_key(root) if (root / layout.PUBLIC_KEY).is_file() else exported
    names = read_keys(handed).fingerprints
    if key.fingerprint not in names:
        raise SwitchroomError(
            f"The repository '{root}' is signed by a key other than '{key.fingerprint}'.",
            hint="Sign with the repository's key (--key, --gnupghome). To replace it, hand out the new one"
            " beside it first: switchroom repo keys --add FILE. Else start a new root for a new key.",
            code=ExitCode.REFUSED,
        )
    if len(names) > 1:
        _check_vouched(root, exported, [name for name in names if name != key.fingerprint])
    return _compose(handed, exported)


def refresh(root: Path, keys: bytes, key: SigningKey, epoch: int) -> None:
    """Hand out the :func:`trusted_keys` as they are now: the life of ``key`` may have been extended.

    The caller holds the writer's lock.
    """
    if layout.public_key(root) != keys:
        _write(root, keys, key, epoch)


def change(
    root: Path, key: SigningKey, epoch: int, *, add: Sequence[Path] = (), remove: Sequence[str] = ()
) -> Handed:
    """Add keys to those handed out, or take some away, and vouch for the outcome with ``key``; recorded.

    With neither it vouches for what is handed out. Raises SwitchroomError when ``key`` is not among them
    or what is in the repository would not verify without a key (REFUSED), or when ``key`` itself is to be
    taken away (USAGE).
    """
    with layout.writer_lock(root), key.held() as held:
        old = layout.public_key(root)
        new = _without(old, [name.replace(" ", "").upper() for name in remove])
        for path in add:
            new = _compose(new, _usable(path))
        before, after = read_keys(old).fingerprints, read_keys(new).fingerprints if new else ()
        if key.fingerprint not in before or key.fingerprint not in after:
            raise _no_signer(root, key, before)
        if set(before) - set(after):
            _check_not_needed(root, old, new)
        added = tuple(name for name in after if name not in before)
        removed = tuple(name for name in before if name not in after)
        with verifier(old if _is_vouched(root, key.export_public()) else new) as trusted:
            _record(root, held, trusted, {"added": added, "removed": removed})
            _write(root, new, held, epoch, keep=new == old)
            page.write(root, records.examine(root, trusted), held)
        return _handed(read_keys(new), added, removed)


def _record(root: Path, key: SigningKey, trusted: Verifier, detail: Dict[str, Tuple[str, ...]]) -> None:
    """Record a change of keys, before it: signed by who stays, it vouches for what the others signed.

    Those are the keys that the signer vouched for before or does now; one slipped in is neither.
    """
    records.add(root, records.KEYS, "", "", (), key=key, trusted=trusted, detail=detail)


def _check_not_needed(root: Path, old: bytes, new: bytes) -> None:
    had = problems_by(root, old)
    problems = [problem for problem in problems_by(root, new) if problem not in had]
    if problems:
        raise SwitchroomError(
            "The repository still needs a key that would be taken away: boxes would refuse what it signed.",
            cause="\n".join(problems),
            hint="Publish what it signed anew, under new release numbers, or start a new root.",
            code=ExitCode.REFUSED,
        )


def show(root: Path) -> Handed:
    """Return the keys that a repository hands out."""
    return _handed(read_keys(layout.public_key(root)))


def _handed(keys: PublicKeys, added: Tuple[str, ...] = (), removed: Tuple[str, ...] = ()) -> Handed:
    now = time.time()
    return Handed(
        {key.fingerprint: f"{key.owner}, {key.state(now)}" for key in keys.primaries}, added, removed
    )


def _write(root: Path, keys: bytes, key: SigningKey, epoch: int, *, keep: bool = False) -> None:
    """Write the keys and the signature that vouches for them; ``keep`` the others' signatures beside ours.

    Killed in between, the signatures do not fit: the next writer is told to vouch again.
    """
    kept = (root / layout.VOUCHERS).read_bytes() if keep and (root / layout.VOUCHERS).is_file() else b""
    if len(read_keys(keys).fingerprints) == 1:
        write_atomic(root / layout.PUBLIC_KEY, keys)
        (root / layout.VOUCHERS).unlink(missing_ok=True)
        return
    write_atomic(root / layout.PUBLIC_KEY, keys)
    if not (kept and _is_vouched(root, key.export_public())):
        write_atomic(root / layout.VOUCHERS, kept + key.signature(keys, epoch))


def _check_vouched(root: Path, exported: bytes, others: Sequence[str]) -> None:
    if not _is_vouched(root, exported):
        raise SwitchroomError(
            f"'{root}' hands out further keys that yours does not vouch for: {', '.join(others)}.",
            hint="If they are right: switchroom repo keys --root DIR --vouch --key FINGERPRINT."
            " If not, take them away with --remove.",
            code=ExitCode.REFUSED,
        )


def _is_vouched(root: Path, exported: bytes) -> bool:
    with verifier(exported) as trusted, contextlib.suppress(UntrustedError):
        trusted.check_detached(root / layout.PUBLIC_KEY, root / layout.VOUCHERS)
        return True
    return False


def _compose(keys: bytes, more: bytes) -> bytes:
    """Return keys with others added or, where they are there already, put in their place; a block each."""
    blocks = {**_blocks(keys), **_blocks(more)}
    return b"".join(blocks.values())


def _without(keys: bytes, names: Sequence[str]) -> bytes:
    blocks = _blocks(keys)
    unknown = [name for name in names if name not in blocks]
    if unknown:
        raise SwitchroomError(
            f"The repository hands out no key '{unknown[0]}'.",
            hint=f"It hands out: {', '.join(blocks)}.",
            code=ExitCode.USAGE,
        )
    return b"".join(block for name, block in blocks.items() if name not in names)


def _blocks(keys: bytes) -> Dict[str, bytes]:
    """Return each armoured block by its key's fingerprint."""
    end = b"-----END PGP PUBLIC KEY BLOCK-----"
    parts = [part.lstrip() + end + b"\n" for part in keys.split(end)[:-1]]
    return {read_keys(part).fingerprints[0]: part for part in parts}


def _usable(path: Path) -> bytes:
    """Return the keys of a file that were not revoked, a block each."""
    armoured = path.read_bytes()
    found = separate(armoured, read_keys(armoured, f"The public key in '{path}'"))
    if not found:
        raise SwitchroomError(
            f"The key in '{path}' was revoked.",
            hint="Take it away from the repository with --remove FINGERPRINT.",
            code=ExitCode.REFUSED,
        )
    return b"".join(found.values())


def _no_signer(root: Path, key: SigningKey, names: Sequence[str]) -> SwitchroomError:
    if key.fingerprint in names:
        return SwitchroomError(
            "The key that signs cannot be taken away.",
            hint="Sign with the one that stays: --key FINGERPRINT.",
            code=ExitCode.USAGE,
        )
    return SwitchroomError(
        f"The repository '{root}' does not hand out the key '{key.fingerprint}'.",
        hint=f"Vouch with one of its own: {', '.join(names)}.",
        code=ExitCode.REFUSED,
    )
