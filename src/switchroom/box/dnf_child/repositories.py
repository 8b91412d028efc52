"""dnf as the box configures it, but stricter: what is installed, and what the repositories offer."""

import datetime
import re
from typing import Any

import dnf  # type: ignore
import dnf.exceptions  # type: ignore
import dnf.repo  # type: ignore

from switchroom.box.dnf_child import binding, signatures
from switchroom.box.dnf_child.wire import LOG, Request, RequestError, tell

# What says that a repository could not be asked, as opposed to: its answer is not to be trusted.
_UNREACHABLE = re.compile(
    r"Curl error \((?:5|6|7|9|28|35|37|52|55|56|78)\)|Status code: (?:404|5\d\d)|No URLs in mirrorlist"
)


def open_base(request: Request) -> Any:
    """Return dnf as the box configures it, but stricter and without its plugins."""
    base = dnf.Base()
    base.conf.read()
    base.conf.substitutions.update_from_etc(base.conf.installroot)
    base.conf.plugins = False
    base.conf.exit_on_lock = True
    base.conf.localpkg_gpgcheck = True
    base.conf.clean_requirements_on_remove = False
    base.args = request.get("history", "switchroom").split()  # what dnf history shows as the command line
    return base


def local_base(request: Request) -> Any:
    """Return dnf with what is installed, and no repository."""
    base = open_base(request)
    base.fill_sack(load_available_repos=False)
    return base


def full_base(request: Request) -> Any:
    """Return dnf with what is installed and what the repositories of the channel offer."""
    if request.get("offline"):
        return local_base(request)
    base = open_base(request)
    base.read_all_repos()
    _enable_channel(base, request.get("channel"))
    signatures.enforce(base)
    for repo in base.repos.iter_enabled():
        repo.skip_if_unavailable = False
        _load(repo)
        _check_binding(repo, base.conf.releasever)
    base.fill_sack()
    return base


def _enable_channel(base: Any, channel: Any) -> None:
    name = f"switchroom-{channel}"
    if channel and name not in base.repos:
        hint = "Install the package 'switchroom-release', which brings it."
        raise RequestError(f"There is no package repository '{name}' on this box.", hint=hint)
    if channel:
        base.repos[name].enable()


def _load(repo: Any) -> None:
    """Load a repository's metadata: news counts at once, and the cache where nobody answers."""
    if repo.id.startswith("switchroom"):
        repo._repo.expire()
    said = len(LOG.lines)
    try:
        repo.load()
    except dnf.exceptions.RepoError as error:
        evidence = "\n".join([*LOG.lines[said:], str(error)])
        if not _UNREACHABLE.search(evidence):
            raise RequestError(
                f"The package repository '{repo.id}' cannot be trusted or read.",
                evidence,
                "Nothing of it is used. Tell whoever runs it, or disable it: "
                f"dnf config-manager --set-disabled {repo.id}",
            ) from error
        _load_cached(repo, evidence)


def _check_binding(repo: Any, releasever: str) -> None:
    """Refuse metadata that are signed, and meant for another channel, another major or another time."""
    found = binding.problem(repo, releasever)
    if found:
        raise RequestError(found[0], hint=found[1])


def _load_cached(repo: Any, evidence: str) -> None:
    repo._repo.setSyncStrategy(dnf.repo.SYNC_ONLY_CACHE)
    try:
        repo.load()
    except dnf.exceptions.RepoError as error:
        raise RequestError(
            f"The package repository '{repo.id}' cannot be reached, and nothing of it is cached.",
            evidence,
            "Check the network and the repository's address in /etc/yum.repos.d.",
        ) from error
    date = datetime.datetime.utcfromtimestamp(repo._repo.getMaxTimestamp()).strftime("%Y-%m-%d %H:%M UTC")
    tell(event="remark", text=f"repository '{repo.id}' unreachable, cached metadata of {date} used")
