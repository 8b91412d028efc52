"""Packages as files: fetched, signatures checked, flushed; and checked again before they are installed."""

import hashlib
import os
import shutil
import time
from typing import Any, Dict, List

import dnf.callback  # type: ignore
import dnf.exceptions  # type: ignore
import libdnf  # type: ignore

from switchroom.box.dnf_child import signatures
from switchroom.box.dnf_child.repositories import full_base, local_base
from switchroom.box.dnf_child.wire import LOG, Request, RequestError, tell

_PROGRESS_SECONDS = 0.1


class Download(dnf.callback.DownloadProgress):  # type: ignore[misc]
    """Tells of the bytes that have come."""

    def __init__(self) -> None:
        self.total, self.told = 0, 0.0
        self.done: Dict[str, int] = {}

    def start(self, total_files: int, total_size: int, total_drpms: int = 0) -> None:  # noqa: ARG002
        """Learn how much is to come."""
        self.total = total_size

    def progress(self, payload: Any, done: int) -> None:
        """Tell, but not at every buffer."""
        self.done[str(payload)] = done
        if time.monotonic() - self.told >= _PROGRESS_SECONDS:
            self.told = time.monotonic()
            tell(event="progress", done=sum(self.done.values()), total=self.total, text=str(payload))


def download(request: Request) -> List[Dict[str, Any]]:
    """Fetch packages into a folder, check each one's signature there, flush them, and return their files."""
    base = full_base(request)
    base.conf.keepcache = True  # else dnf removes what it downloaded as it ends
    packages = [_found(base, wanted) for wanted in request["packages"]]
    for repo in base.repos.iter_enabled():
        repo.pkgdir = request["into"]
    try:
        base.download_packages(packages, Download())
    except dnf.exceptions.DownloadError as error:
        evidence = "\n".join([*LOG.lines, str(error)])
        hint = "Free some space, or check the repository: nothing was changed on this box."
        raise RequestError(_download_message(packages, evidence), evidence, hint) from error
    files = [_keep(package, request["into"]) for package in packages]
    for package in packages:
        found = signatures.complaint(base, package)
        if found:
            raise RequestError(*found)
    kept = [
        {"path": path, "nevra": str(package), "sha256": sha256(path)}
        for path, package in zip(files, packages)
    ]
    check_files(local_base(request), kept)
    flush([*files, request["into"]])
    return kept


def _download_message(packages: List[Any], evidence: str) -> str:
    names = [
        str(package)
        for package in packages
        if str(package) in evidence or os.path.basename(package.location) in evidence
    ]
    repositories = sorted({package.reponame for package in packages})
    return "Downloading {} from '{}' failed.".format(
        ", ".join(f"'{name}'" for name in names) or "the packages", "', '".join(repositories)
    )


def _found(base: Any, wanted: Dict[str, str]) -> Any:
    for package in base.sack.query().available().filter(reponame=wanted["repository"]):
        if str(package) == wanted["nevra"]:
            return package
    raise RequestError(
        "The repository '{repository}' does not offer '{nevra}' any more.".format(**wanted),
        hint="Start again: what there is has changed in between.",
    )


def _keep(package: Any, folder: str) -> str:
    """Return the package's file in ``folder``; a repository on this machine downloads nothing."""
    path = os.path.join(folder, os.path.basename(package.location))
    if package.localPkg() != path:
        shutil.copyfile(package.localPkg(), path)
    return path


def check_files(base: Any, kept: List[Dict[str, Any]]) -> List[Any]:
    """Return the packages of files that are what they were, and whose signatures are valid."""
    for one in kept:
        if not os.path.exists(one["path"]) or sha256(one["path"]) != one["sha256"]:
            raise RequestError(
                "The package file '{path}' is missing or not what was checked before.".format(**one),
                hint="Remove it and start again: it is downloaded anew.",
            )
    try:
        packages = base.add_remote_rpms([one["path"] for one in kept])
    except (OSError, libdnf.error.Error) as error:
        raise RequestError("A package file cannot be read.", "\n".join([*LOG.lines, str(error)])) from error
    for one, package in zip(kept, packages):
        code, reason = base.package_signature_check(package)
        if code != 0 or str(package) != one["nevra"]:
            raise RequestError(*signatures.invalid(one["nevra"], reason or f"The file holds '{package}'."))
    return list(packages)


def sha256(path: str) -> str:
    """Return a file's checksum."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def flush(paths: List[str]) -> None:
    """Flush files and folders to disk."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
