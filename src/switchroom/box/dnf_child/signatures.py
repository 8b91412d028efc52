"""The one signature policy for what dnf installs on a box, whatever its repositories' files say."""

from typing import Any, List, Optional, Tuple

import dnf.exceptions  # type: ignore

Words = Tuple[str, str, str]

_HINT = "Nothing was changed. Never install it; tell whoever runs the repository."


def enforce(base: Any) -> None:
    """Have every package checked, of every enabled repository and of files; call it when they are read."""
    base.conf.localpkg_gpgcheck = True
    for repo in base.repos.iter_enabled():
        repo.gpgcheck = True


def complaint(base: Any, package: Any) -> Optional[Words]:
    """Return what is wrong with a downloaded package's signature (message, cause, hint), None for a good one.

    A key that rpm lacks is imported, if the repository's file names it on this machine.
    """
    code, reason = base.package_signature_check(package)
    if code == 1 and not _is_here(base.repos[package.reponame].gpgkey):
        hint = f"Import the key of the repository '{package.reponame}' with: rpm --import"
        return f"The signature of '{package}' cannot be checked.", reason, hint
    if code == 1:
        try:
            base.package_import_key(package, askcb=lambda *_key: True)
            code, reason = base.package_signature_check(package)
        except (dnf.exceptions.Error, ValueError) as error:
            reason = str(error) or reason
    return None if code == 0 else invalid(package, reason)


def invalid(package: Any, reason: str) -> Words:
    """Return the words for a package whose signature is missing or not good."""
    return f"The signature of the package '{package}' is not valid.", reason, _HINT


def _is_here(keys: List[str]) -> bool:
    return all(url.startswith("file:///") for url in keys)
