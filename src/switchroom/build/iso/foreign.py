"""Packages of others: from repositories that were named, signed by the keys that were named with them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Sequence

from switchroom.build.keys import SigningKey
from switchroom.build.kickstart.packages import parse_folders
from switchroom.build.publickeys import read_keys
from switchroom.build.repo.metadata import RepoPackage, read_rpm
from switchroom.build.repo.texts import check_texts
from switchroom.build.signatures import Verdict, verifier
from switchroom.core.errors import ExitCode, SwitchroomError


@dataclass(frozen=True)
class Foreign:
    """A local repository to copy packages from, and the armoured public keys that must have signed them."""

    folder: Path
    keys: bytes


def parse_foreign(repositories: Sequence[str], keys: Sequence[str]) -> Dict[str, Foreign]:
    """Return ``ID=PATH`` and ``ID=FILE`` arguments as repositories by id, each with its keys.

    Raises SwitchroomError (usage) for a bad one, for a repository without a key and the other way round.
    """
    folders, known = parse_folders("--repo", repositories), _parse_keys(keys)
    for name in folders:
        if name not in known:
            raise SwitchroomError(
                f"Nothing says who signs the packages of '--repo {name}', so they could be anybody's.",
                hint=f"Name their public key, such as EPEL's RPM-GPG-KEY-EPEL-9: --repo-key {name}=FILE",
                code=ExitCode.USAGE,
            )
    for name in known:
        if name not in folders:
            raise SwitchroomError(
                f"'--repo-key {name}=…' is the key of no repository.",
                hint="Name the repository with --repo ID=PATH, by the same ID.",
                code=ExitCode.USAGE,
            )
    return {name: Foreign(folder, known[name]) for name, folder in folders.items()}


def _parse_keys(texts: Sequence[str]) -> Dict[str, bytes]:
    found: Dict[str, bytes] = {}
    for text in texts:
        name, _, file = text.partition("=")
        if not Path(file).is_file():
            raise SwitchroomError(
                f"'--repo-key {text}' does not name a repository's public key.",
                hint="Give ID=FILE, where FILE is an armoured public key.",
                code=ExitCode.USAGE,
            )
        armoured = Path(file).read_bytes()
        read_keys(armoured, f"The public key in '{file}'")
        found[name] = found.get(name, b"") + armoured
    return found


def vouched(
    repositories: Mapping[str, Foreign],
    added: Mapping[str, Sequence[Path]],
    folder: Path,
    *,
    key: SigningKey,
    epoch: int,
    warn: Callable[[str], None],
) -> List[RepoPackage]:
    """Copy packages (``added``: files by their repository) into the new ``folder`` and sign the copies.

    Only copies that their repository's keys signed: raises SwitchroomError (refused) naming the others.
    """
    folder.mkdir()
    copies: List[Path] = []
    for name, paths in added.items():
        mine = [Path(shutil.copyfile(path, folder / path.name)) for path in paths]
        _check(name, mine, repositories[name].keys, warn)
        check_texts(map(read_rpm, mine))
        copies += mine
    key.sign_rpms(copies, epoch)
    for copy in copies:
        os.utime(copy, (epoch, epoch))  # the metadata names a file's date
    return [read_rpm(copy) for copy in copies]


def _check(name: str, copies: Sequence[Path], keys: bytes, warn: Callable[[str], None]) -> None:
    with verifier(keys) as trusted:
        verdicts = trusted.rpms(copies)
        for remark in trusted.remarks:
            warn(remark)
    bad = [f"{path.name}: {found.value}" for path, found in verdicts.items() if found is not Verdict.SIGNED]
    if bad:
        raise SwitchroomError(
            f"{len(bad)} packages of '--repo {name}' are not signed by the key that was named for it.",
            cause="\n".join(sorted(bad)),
            hint="Fetch them again from a mirror that you trust, or name the key of who signs them:"
            f" --repo-key {name}=FILE",
            code=ExitCode.REFUSED,
        )
