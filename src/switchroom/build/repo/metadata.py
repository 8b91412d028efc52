"""Repository metadata: reads it, and writes it so that the same packages give the same bytes."""

from __future__ import annotations

import contextlib
import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Sequence, Tuple

import createrepo_c as cr

from switchroom.build.repo.evr import Dependency, Evr
from switchroom.core.errors import SwitchroomError

PACKAGES = "packages"
# Beside it in a generation: the repository of its debug packages, which a box asks for by another name.
DEBUG = "debug"
# Gzip rather than createrepo_c's zstd: every dnf reads it, on hosts that are not EL too.
_ODD = (AttributeError, LookupError, TypeError, ValueError)  # of the library, for lists that are not there
_COMPRESSION = cr.GZ_COMPRESSION
_CHANGELOGS = 10


@dataclass(frozen=True)
class RepoPackage:
    """A package in a repository: its file and its metadata record."""

    path: Path
    record: Any  # createrepo_c.Package

    @property
    def name(self) -> str:
        """The package's name."""
        return str(self.record.name)

    @property
    def evr(self) -> Evr:
        """Epoch, version and release."""
        return Evr(self.record.epoch or "0", self.record.version, self.record.release)

    @property
    def nevra(self) -> str:
        """Name-[epoch:]version-release.arch; an epoch of 0 is left out."""
        record = self.record
        epoch = f"{record.epoch}:" if record.epoch not in (None, "", "0") else ""
        return f"{record.name}-{epoch}{record.version}-{record.release}.{record.arch}"

    @property
    def file_name(self) -> str:
        """The file's name in any repository of ours."""
        record = self.record
        return f"{record.name}-{record.version}-{record.release}.{record.arch}.rpm"

    @property
    def is_debug(self) -> bool:
        """Whether it is for debuggers only: rpmbuild's own debuginfo and debugsource packages."""
        return self.name.endswith(("-debuginfo", "-debugsource"))

    @property
    def source(self) -> str:
        """File name of the source package it was built from, with all others of that build."""
        return str(self.record.rpm_sourcerpm)

    @property
    def sha256(self) -> str:
        """SHA-256 of the whole file."""
        return str(self.record.pkgId)

    @property
    def requires(self) -> Tuple[Dependency, ...]:
        """What it needs, less what rpm itself provides."""
        found = (Dependency.from_metadata(entry) for entry in self.record.requires)
        return tuple(need for need in found if not need.name.startswith("rpmlib("))

    @property
    def provides(self) -> Tuple[Dependency, ...]:
        """The capabilities it offers, files apart."""
        return tuple(Dependency.from_metadata(entry) for entry in self.record.provides)

    @property
    def files(self) -> Tuple[str, ...]:
        """Absolute paths of its files and folders."""
        return tuple(f"{entry[cr.FILE_ENTRY_PATH]}{entry[cr.FILE_ENTRY_NAME]}" for entry in self.record.files)


def newest_first(packages: Sequence[RepoPackage]) -> List[RepoPackage]:
    """Sort packages from the highest version to the lowest."""
    return sorted(packages, key=functools.cmp_to_key(_compare), reverse=True)


def _compare(one: RepoPackage, two: RepoPackage) -> int:
    return one.evr.compare(two.evr)


def read_rpm(path: Path) -> RepoPackage:
    """Read one package file's header and checksum."""
    record = cr.package_from_rpm(str(path), checksum_type=cr.SHA256, changelog_limit=_CHANGELOGS)
    package = RepoPackage(path, record)
    record.location_href = f"{PACKAGES}/{package.file_name}"
    return package


def read_repository(folder: Path) -> Tuple[RepoPackage, ...]:
    """Return the packages a repository folder's metadata names, in file name order.

    Raises SwitchroomError when the metadata is absent or cannot be read.
    """
    try:
        reader = cr.RepositoryReader.from_path(str(folder), warningcb=_ignore_warning)
        records = _placed(reader.parse_packages()[0].values())
    except (*_ODD, OSError, cr.CreaterepoCError) as error:
        raise SwitchroomError(
            f"The repository metadata in '{folder}' cannot be read.",
            cause=str(error),
            hint="Check it with: switchroom repo verify. Leave it with: switchroom repo rollback",
        ) from error
    return in_order(RepoPackage(folder / record.location_href, record) for record in records)


def read_generation(folder: Path) -> Tuple[RepoPackage, ...]:
    """Return the packages of a generation and, where it has one, of its debug part; raises as above."""
    parts = [place for place in (folder, folder / DEBUG) if place == folder or place.is_dir()]
    return in_order(package for place in parts for package in read_repository(place))


def read_files(folder: Path) -> Tuple[RepoPackage, ...]:
    """Return the packages whose files lie in a generation and its debug part, whatever its metadata says."""
    found = []
    for path in sorted((*folder.glob(f"{PACKAGES}/*.rpm"), *folder.glob(f"{DEBUG}/{PACKAGES}/*.rpm"))):
        with contextlib.suppress(OSError, cr.CreaterepoCError):
            found.append(read_rpm(path))
    return in_order(found)


def in_order(packages: Any) -> Tuple[RepoPackage, ...]:
    """Sort packages by file name, the order metadata is written in."""
    return tuple(sorted(packages, key=lambda package: package.file_name))


def without(packages: Sequence[RepoPackage], others: Sequence[RepoPackage]) -> Tuple[RepoPackage, ...]:
    """Return the packages whose files are not among the others."""
    known = {package.file_name for package in others}
    return tuple(package for package in packages if package.file_name not in known)


def write_repodata(
    folder: Path, packages: Sequence[RepoPackage], epoch: int, tags: Sequence[str] = ()
) -> Path:
    """Write ``repodata/`` for packages of this folder, with content tags, and return repomd.xml.

    ``epoch`` (seconds since 1970) is its revision and the date of every record, as createrepo_c's
    ``--revision`` and ``--set-timestamp-to-revision`` do.
    """
    repodata = folder / "repodata"
    repodata.mkdir()
    repomd = cr.Repomd()
    repomd.set_revision(str(epoch))
    for tag in tags:
        repomd.add_content_tag(tag)
    try:
        for kind, path in _write_lists(repodata, in_order(packages)).items():
            repomd.set_record(_record(kind, path, epoch))
    except cr.CreaterepoCError as error:
        raise SwitchroomError(
            f"The repository metadata in '{repodata}' cannot be written.",
            cause=str(error),
            hint="Free some space on that file system, then run the same command again.",
        ) from error
    target = repodata / "repomd.xml"
    target.write_text(repomd.xml_dump(), encoding="utf-8")
    return target


def record_paths(folder: Path) -> Dict[str, Tuple[Path, str]]:
    """Return, by kind, each metadata file repomd.xml names and the SHA-256 it must have."""
    repomd = cr.Repomd(str(folder / "repodata" / "repomd.xml"))
    return {record.type: (folder / record.location_href, record.checksum) for record in repomd.records}


def _write_lists(repodata: Path, packages: Sequence[RepoPackage]) -> Dict[str, Path]:
    kinds = {"primary": cr.PrimaryXmlFile, "filelists": cr.FilelistsXmlFile, "other": cr.OtherXmlFile}
    paths = {kind: repodata / f"{kind}.xml.gz" for kind in kinds}
    for kind, path in paths.items():
        stream = kinds[kind](str(path), _COMPRESSION)
        stream.set_num_of_pkgs(len(packages))
        for package in packages:
            stream.add_pkg(package.record)
        stream.close()
    return paths


def _record(kind: str, path: Path, epoch: int) -> Any:
    os.utime(path, (epoch, epoch))
    record = cr.RepomdRecord(kind, str(path))
    record.fill(cr.SHA256)
    record.set_timestamp(epoch)
    record.rename_file()
    return record


def _placed(records: Iterable[Any]) -> List[Any]:
    found = list(records)
    if not all(record.location_href and record.pkgId for record in found):
        raise ValueError("a package has no place or no checksum")
    return found


def _ignore_warning(_kind: int, _message: str) -> bool:
    return True
