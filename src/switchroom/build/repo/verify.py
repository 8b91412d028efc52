"""Verification: what the repository shows its readers is whole, signed, and nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Set, Tuple

from switchroom.build.publickeys import read_keys
from switchroom.build.repo import binding, layout, page, records
from switchroom.build.repo.binding import SOON_DAYS
from switchroom.build.repo.layout import CHANNELS, Channel, all_channels, open_repo
from switchroom.build.repo.metadata import DEBUG, PACKAGES, RepoPackage, read_repository, record_paths
from switchroom.build.signatures import UntrustedError, Verdict, Verifier, verifier
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256

_REPOMD = ("repomd.xml", "repomd.xml.asc")
_CHANNEL_ENTRIES = {"current", "generations", layout.MIRRORLIST, layout.DEBUG_MIRRORLIST}
_RENEW = "switchroom repo renew"
_File = Tuple[int, int]  # device and inode: generations share their packages by hard links


@dataclass(frozen=True)
class Verified:
    """What was checked, with which keys, and every problem found, a sentence each.

    ``remarks`` is what to know of keys and records that is no problem.
    """

    fingerprints: Tuple[str, ...]
    generations: Tuple[str, ...]  # CHANNEL/elN/NNNN, those in force
    superseded: Tuple[str, ...]
    packages: int
    problems: Tuple[str, ...]
    remarks: Tuple[str, ...] = ()

    def as_dict(self) -> Dict[str, object]:
        """Return it as JSON."""
        return asdict(self)


def verify(root: Path, channels: Sequence[str] = CHANNELS, key_file: Optional[Path] = None) -> Verified:
    """Check keys, records, page and every generation of each channel, package by package.

    ``key_file`` has the public keys to trust; by default those the repository itself hands out, which proves
    that the repository is consistent, not who made it. Raises SwitchroomError or OSError where this machine
    could not tell: that is no verdict.
    """
    used = _used(root, channels)
    trusted_keys = key_file.read_bytes() if key_file else layout.public_key(root)
    with verifier(trusted_keys) as trusted:
        problems = _check_channels(used, trusted)
        problems += _check_keys(root, trusted)
        told, remarks = _check_told(root, trusted)
        return Verified(
            fingerprints=trusted.keys.fingerprints,
            generations=tuple(f"{c.name}/el{c.el}/{c.current.name}" for c in used if c.current),
            superseded=tuple(f"{c.name}/el{c.el}/{n:04d}" for c in used for n in _superseded(c)),
            packages=sum(len(list(c.current.glob(f"**/{PACKAGES}/*"))) for c in used if c.current),
            problems=(*problems, *told),
            remarks=(*trusted.remarks, *_ends_soon(used), *remarks),
        )


def problems_by(root: Path, keys: bytes) -> Tuple[str, ...]:
    """Return the problems that all channels would have for readers who trust these public keys only."""
    with verifier(keys) as trusted:
        return tuple(_check_channels(_used(root, CHANNELS), trusted))


def _used(root: Path, channels: Sequence[str]) -> List[Channel]:
    opened = all_channels(open_repo(root, channels[0]).root)
    return [channel for channel in opened if channel.name in channels and channel.current]


def _check_channels(channels: Sequence[Channel], trusted: Verifier) -> List[str]:
    judge = _Judge(trusted)
    return [problem for channel in channels for problem in _check_channel(channel, judge)]


class _Judge:
    """Reads each file once, however many generations it is in."""

    def __init__(self, trusted: Verifier) -> None:
        self.trusted = trusted
        self._sums: Dict[_File, str] = {}
        self._verdicts: Dict[_File, Verdict] = {}

    def sha256(self, path: Path) -> str:
        """Return a file's checksum."""
        known = self._sums.get(_file(path))
        return known or self._sums.setdefault(_file(path), sha256(path))

    def verdicts(self, paths: Sequence[Path]) -> Dict[Path, Verdict]:
        """Return the verdict on each package."""
        new = {_file(path): path for path in paths if _file(path) not in self._verdicts}
        found = self.trusted.rpms(list(new.values()))
        self._verdicts.update({file: found[path] for file, path in new.items()})
        return {path: self._verdicts[_file(path)] for path in paths}


def _file(path: Path) -> _File:
    status = path.stat()
    return status.st_dev, status.st_ino


def verify_folder(folder: Path, trusted: Verifier) -> Tuple[str, ...]:
    """Return the problems of one plain repository folder, such as an installer's."""
    return tuple(_check_folder(folder, _Judge(trusted)))


def verify_generation(folder: Path, trusted: Verifier) -> Tuple[str, ...]:
    """Return the problems of a generation and of its debug part."""
    return tuple(_check_generation(folder, _Judge(trusted)))


def check_whole(folder: Path, trusted: Verifier, hint: str) -> None:
    """Raise SwitchroomError (refused) with the hint unless a generation is whole and signed."""
    problems = verify_generation(folder, trusted)
    if problems:
        raise SwitchroomError(
            f"The generation in '{folder}' is not whole; nothing was changed.",
            cause="\n".join(problems),
            hint=hint,
            code=ExitCode.REFUSED,
        )


def _check_generation(folder: Path, judge: _Judge) -> Iterator[str]:
    yield from _check_folder(folder, judge, apart=folder / DEBUG)
    if (folder / DEBUG).is_dir():
        yield from _check_folder(folder / DEBUG, judge)


def _check_folder(folder: Path, judge: _Judge, apart: Optional[Path] = None) -> Iterator[str]:
    repomd, signature = (folder / "repodata" / name for name in _REPOMD)
    try:
        judge.trusted.check_detached(repomd, signature)
        yield from _check_records(folder)
        packages = read_repository(folder)
    except FileNotFoundError as error:
        yield f"'{error.filename}' is not there."
    except SwitchroomError as error:
        if _is_of_the_machine(error):
            raise
        yield error.message
    else:
        yield from _check_packages(packages, judge)
        yield from _strays(folder, packages, apart)


def _is_of_the_machine(error: SwitchroomError) -> bool:
    """Tell whether an error says nothing of what was looked at: a tool that failed, a disk that did."""
    if isinstance(error, UntrustedError):
        return False
    return error.__cause__ is None or isinstance(error.__cause__, PermissionError)


def _superseded(channel: Channel) -> List[int]:
    in_force = int(channel.current.name) if channel.current else 0
    return [number for number in channel.numbers() if number < in_force]


def _check_keys(root: Path, trusted: Verifier) -> Iterator[str]:
    path = root / layout.PUBLIC_KEY
    try:
        names = read_keys(path.read_bytes(), f"The key in '{path}'").fingerprints
    except FileNotFoundError:
        yield f"'{path}' is not there."
        return
    except SwitchroomError as error:
        yield error.message
        return
    for name in names:
        if name not in trusted.keys.fingerprints:
            yield f"'{path}' hands out the key {name}, which is not trusted."
    if len(names) > 1:
        try:
            trusted.check_detached(path, root / layout.VOUCHERS)
        except UntrustedError as error:
            yield error.message


def _check_told(root: Path, trusted: Verifier) -> Tuple[List[str], Tuple[str, ...]]:
    """Return what is wrong with the page and the records, and what to know of the records."""
    problems: List[str] = []
    try:
        page.check(root, trusted)
    except UntrustedError as error:
        problems.append(error.message)
    try:
        chronicle = records.examine(root, trusted)
    except records.DamagedError as error:
        return [*problems, error.message], ()
    if chronicle.refused:
        count, path = len(chronicle.refused), root / layout.RECORDS
        problems.append(f"{count} records in '{path}' were changed, or signed by a key that is not trusted.")
    return problems, chronicle.remarks()


def _check_channel(channel: Channel, judge: _Judge) -> Iterator[str]:
    for path in sorted(channel.folder.iterdir()):
        if path.name not in _CHANNEL_ENTRIES and not path.name.startswith("."):
            yield f"'{path}' does not belong there."
    for path in (channel.folder / name for name in (layout.MIRRORLIST, layout.DEBUG_MIRRORLIST)):
        if (path.read_text(errors="replace") if path.is_file() else None) != channel.mirrorlists().get(path):
            yield f"'{path}' does not name the current generation."
    if channel.current:
        found = list(_check_generation(channel.current, judge))
        yield from found or _check_binding(channel, channel.current)
    for number in _superseded(channel):
        yield from _check_generation(channel.generation(number), judge)


def _check_binding(channel: Channel, folder: Path) -> Iterator[str]:
    """Yield why boxes would refuse what is in force, though it is signed."""
    wanted = channel.binding()
    for place, one in ((folder, wanted), (folder / DEBUG, wanted.debug)):
        if not (place / "repodata/repomd.xml").is_file():
            continue
        said = binding.read(place)
        if said is None or (said.channel, said.el) != (one.channel, one.el) or said.until is None:
            meant = f"'{one.channel}' for EL{one.el}"
            yield f"The metadata in '{place}' do not say that they are {meant}: {_RENEW}"
        elif said.days_left() < 0:
            yield f"The metadata in '{place}' were good until {said.until}; boxes refuse them: {_RENEW}"


def _ends_soon(channels: Sequence[Channel]) -> Iterator[str]:
    for channel in channels:
        said = binding.read(channel.current) if channel.current else None
        if said and said.until and 0 <= said.days_left() < SOON_DAYS:
            yield f"{channel.name}/el{channel.el} is good until {said.until}: {_RENEW}"


def _check_records(folder: Path) -> Iterator[str]:
    for path, checksum in record_paths(folder).values():
        if not path.is_file() or sha256(path) != checksum:
            yield f"The metadata file '{path}' does not match repomd.xml."


def _check_packages(packages: Sequence[RepoPackage], judge: _Judge) -> Iterator[str]:
    present = []
    for package in packages:
        if not package.path.is_file() or judge.sha256(package.path) != package.sha256:
            yield f"The package '{package.path}' does not match the metadata."
        else:
            present.append(package.path)
    for path, verdict in judge.verdicts(present).items():
        if verdict is not Verdict.SIGNED:
            yield f"The package '{path}' is {verdict.value}."


def _strays(folder: Path, packages: Sequence[RepoPackage], apart: Optional[Path]) -> Iterator[str]:
    expected: Set[Path] = {package.path for package in packages}
    expected.update(path for path, _ in record_paths(folder).values())
    expected.update(folder / "repodata" / name for name in _REPOMD)
    for path in sorted(folder.rglob("*")):
        if not path.is_dir() and path not in expected and apart not in path.parents:
            yield f"'{path}' is not in the metadata."
