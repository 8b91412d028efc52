"""Packages on their way into a repository: found, judged, compared with what is published, signed."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, Sequence, Tuple

from switchroom.build.keys import SigningKey
from switchroom.build.repo.metadata import RepoPackage, read_rpm
from switchroom.build.repo.texts import check_texts
from switchroom.build.signatures import Verdict, Verifier
from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError

ARCHITECTURES = ("x86_64", "noarch")
_REFUSED = (Verdict.FOREIGN, Verdict.DAMAGED)
_QUERY = "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm\t%{SHA256HEADER}\t%{BUILDTIME}\n"
_BATCH = 200  # packages one rpm is given


@dataclass(frozen=True)
class Incoming:
    """A package file that may be published; ``content`` is rpm's digest of everything but the signature."""

    path: Path
    file_name: str
    content: str
    built: int
    signed: bool

    @property
    def release(self) -> str:
        """The package's release, with what says where it was built."""
        return self.file_name.rsplit("-", 1)[1].rsplit(".", 2)[0]


def find_rpms(inputs: Sequence[Path]) -> List[Path]:
    """Return the package files named, and those anywhere below the folders named, less source packages."""
    found: List[Path] = []
    for path in inputs:
        if not path.exists():
            raise SwitchroomError(f"There is no file or folder '{path}'.", code=ExitCode.USAGE)
        below = sorted(path.rglob("*.rpm")) if path.is_dir() else [path]
        found += [rpm for rpm in below if not rpm.name.endswith(".src.rpm")]
    if not found:
        raise SwitchroomError(
            "There are no packages in: " + ", ".join(f"'{path}'" for path in inputs) + ".",
            hint="Build them with: switchroom build packages",
            code=ExitCode.USAGE,
        )
    return found


def judge(paths: Sequence[Path], verifier: Verifier) -> Tuple[Incoming, ...]:
    """Read packages; raises SwitchroomError for torn and foreign-signed ones, two that clash, odd texts."""
    verdicts = verifier.rpms(paths)
    bad = {path: verdict for path, verdict in verdicts.items() if verdict in _REFUSED}
    if bad:
        raise refusal("These packages cannot be published.", bad)
    by_name: Dict[str, Incoming] = {}
    for path, (name, content, built) in _query(paths).items():
        found = Incoming(path, name, content, int(built), verdicts[path] is Verdict.SIGNED)
        _check_architecture(found)
        twin = by_name.setdefault(name, found)
        if twin.content != content:
            raise clash(name, f"{twin.path} and {path} differ")
    check_texts(map(read_rpm, paths))
    return tuple(by_name[name] for name in sorted(by_name))


def contents(paths: Sequence[Path]) -> Dict[str, str]:
    """Return, by canonical file name, rpm's digest of each package's content less its signature."""
    return {name: content for name, content, _ in _query(paths).values()}


def sign_copies(incoming: Iterable[Incoming], folder: Path, key: SigningKey, epoch: int) -> List[RepoPackage]:
    """Copy packages into ``folder`` (made here), sign those that are not, and read their metadata.

    A copy carries its build date, so that metadata does not depend on the day of publishing.
    """
    chosen = list(incoming)
    folder.mkdir()
    copies = {item.file_name: folder / item.file_name for item in chosen}
    for item in chosen:
        shutil.copyfile(item.path, copies[item.file_name])
    key.sign_rpms([copies[item.file_name] for item in chosen if not item.signed], epoch)
    for item in chosen:
        copies[item.file_name].chmod(0o644)
        os.utime(copies[item.file_name], (item.built, item.built))
    return [read_rpm(path) for path in copies.values()]


def refusal(message: str, verdicts: Mapping[Path, Verdict]) -> SwitchroomError:
    """Return the error that lists packages with what is wrong with each."""
    return SwitchroomError(
        message,
        cause="\n".join(f"{path}: {verdict.value}" for path, verdict in sorted(verdicts.items())),
        hint="Build or fetch them again; packages of others belong in their own repository.",
        code=ExitCode.REFUSED,
    )


def clash(name: str, cause: str) -> SwitchroomError:
    """Return the error for one package name with two contents."""
    return SwitchroomError(
        f"The package '{name}' exists with other content.",
        cause=cause,
        hint="A published package never changes: raise the release number and build it again.",
        code=ExitCode.REFUSED,
    )


def _query(paths: Sequence[Path]) -> Dict[Path, Tuple[str, str, str]]:
    rows: List[str] = []
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        command: List[process.Arg] = [
            "rpm",
            "--query",
            "--nosignature",
            "--queryformat",
            _QUERY,
            "--package",
            *batch,
        ]
        rows += process.output(command, what="Reading packages").splitlines()
    fields = (row.split("\t") for row in rows)
    return {path: (name, content, built) for path, (name, content, built) in zip(paths, fields)}


def _check_architecture(incoming: Incoming) -> None:
    architecture = incoming.file_name.split(".")[-2]
    if architecture not in ARCHITECTURES:
        raise SwitchroomError(
            f"The package '{incoming.path}' is for '{architecture}', not for {' or '.join(ARCHITECTURES)}.",
            hint="Leave it out.",
            code=ExitCode.REFUSED,
        )
