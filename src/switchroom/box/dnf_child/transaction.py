"""Changes to the rpm database: install, install again, remove, mark; each judged by its effect."""

import glob
import os
import re
from typing import Any, Dict, List

import dnf.callback  # type: ignore
import dnf.exceptions  # type: ignore
import libdnf.transaction  # type: ignore
import rpm  # type: ignore

from switchroom.box.dnf_child.files import check_files
from switchroom.box.dnf_child.offers import refuse_lab, solve
from switchroom.box.dnf_child.repositories import local_base
from switchroom.box.dnf_child.wire import FAILED, LOG, REFUSED, TORN, Request, RequestError, tell

_RPM_SCRATCH = re.compile(r"(?P<name>.+);[0-9a-f]{8}")  # what rpm calls a file until it is complete


class Display(dnf.callback.TransactionProgress):  # type: ignore[misc]
    """Tells how far the transaction is, and keeps what goes wrong in it: rpm's result does not say."""

    def __init__(self) -> None:
        super().__init__()
        self.started = False
        self.errors: List[str] = []
        self.said: List[str] = []
        self._told = (0, 0)

    def progress(self, package: Any, *numbers: Any) -> None:
        """Take (action, bytes done, bytes in all, packages done, packages in all)."""
        self.started = True
        ts_done, ts_total = numbers[-2:]
        if package and (ts_done, ts_total) != self._told:  # preparation and end name none
            self._told = (ts_done, ts_total)
            tell(event="progress", done=ts_done, total=ts_total, text=str(package))

    def error(self, message: str) -> None:
        """Keep what rpm found wrong."""
        self.errors.append(message)

    def scriptout(self, msgs: Any) -> None:
        """Keep what scriptlets printed."""
        text = msgs.decode(errors="replace") if isinstance(msgs, bytes) else str(msgs or "")
        self.said += text.splitlines()


def install(request: Request) -> Dict[str, Any]:
    """Bring packages onto the box: what is not there is installed, what is there is installed again.

    Forward always: an older version beside one of them, left by a torn transaction, goes. A package of which
    the box has a newer version by now is left alone.
    """
    base, packages = _prepared(request)
    swept = _sweep(packages)
    display = Display()
    _run(base, display)
    _prove(packages, display)
    return {"scriptlets": display.said, "swept": swept}


def rehearse(request: Request) -> Dict[str, Any]:
    """Have rpm try the transaction without doing it: files in conflict, space on every file system."""
    base, packages = _prepared(request)
    base.conf.tsflags = [*base.conf.tsflags, "test"]
    _run(base, Display())
    return {"packages": [str(package) for package in packages]}


def remove(request: Request) -> Dict[str, Any]:
    """Remove packages by name, and nothing else; names that are not installed are done already."""
    base = local_base(request)
    packages = list(base.sack.query().installed().filter(name=request["names"]))
    for package in packages:
        base.package_remove(package)
    names = "', '".join(sorted(package.name for package in packages))
    if packages:
        _solve_removal(base, f"The packages '{names}' cannot be removed.")
        display = Display()
        _run(base, display)
        _raise_errors(base, display, f"Removing the packages '{names}' went wrong.")
    return {"removed": sorted(str(package) for package in packages)}


def mark(request: Request) -> Dict[str, Any]:
    """Mark packages as installed by the user, so that autoremove leaves them alone."""
    base = local_base(request)
    packages = list(base.sack.query().installed().filter(name=request["names"]))
    fresh = [package for package in packages if not base.history.user_installed(package)]
    for package in fresh:
        base.history.set_reason(package, libdnf.transaction.TransactionItemReason_USER)
    if fresh:
        cookie = base._ts.dbCookie()
        base.history.beg(cookie, [], [], " ".join(base.args))
        base.history.end(cookie)
    return {"marked": [str(package) for package in fresh]}


def _prepared(request: Request) -> Any:
    base = local_base(request)
    base.conf.install_weak_deps = False
    # What a torn transaction left of an old version must be able to go; solve() keeps all else.
    base.conf.protected_packages = []
    packages = check_files(base, request["packages"])
    refuse_lab(packages)
    for package in packages:
        _ask(base, package)
    names = "', '".join(package.name for package in packages)
    solve(base, f"The packages '{names}' do not fit this box.")
    return base, packages


def _ask(base: Any, package: Any) -> None:
    here = base.sack.query().installed().filter(name=package.name, arch=package.arch)
    if any(other.evr_cmp(package) > 0 for other in here):
        tell(event="remark", text=f"a newer version of '{package}' is installed and stays")
    elif here.filter(evr=package.evr):
        base.package_reinstall(package)
        for older in here.filter(evr__neq=package.evr):
            base.package_remove(older)
    else:
        base.package_install(package)


def _run(base: Any, display: Display) -> None:
    try:
        base.do_transaction(display)
    except dnf.exceptions.LockError:
        raise
    except Exception as error:
        cause = "\n".join([*LOG.lines, *display.said, *display.errors, str(error)])
        if display.started:
            raise RequestError("The package transaction broke off.", cause, code=TORN) from error
        hint = "Nothing was changed."
        if "more space needed" in cause:
            hint = "Nothing was changed. Free some space on the file system named above."
        raise RequestError("The package transaction was refused by rpm.", cause, hint, REFUSED) from error


def _raise_errors(base: Any, display: Display, message: str) -> None:
    done = libdnf.transaction.TransactionItemState_DONE
    undone = [str(item) for item in base.transaction if item.state != done]
    if undone or display.errors:
        raise RequestError(message, "\n".join([*display.said, *display.errors, *undone]), code=FAILED)


def _prove(packages: List[Any], display: Display) -> None:
    """Judge by the rpm database and by what scriptlets reported, not by dnf's result."""
    absent = [str(package) for package in packages if not _is_there(package)]
    cause = "\n".join([*display.said, *display.errors])
    if absent:
        raise RequestError("Not installed: '{}'.".format("', '".join(absent)), cause, code=FAILED)
    if display.errors:
        message = "A scriptlet failed: {}.".format("; ".join(display.errors))
        raise RequestError(message, cause, "'dnf history info last' shows what was done.", FAILED)


def _is_there(package: Any) -> bool:
    """Return whether this version is installed, or a newer one, and no second one beside it."""
    found = list(rpm.TransactionSet().dbMatch("name", package.name))
    wanted = (str(package.epoch), package.version, package.release)
    versions = [(str(h["epoch"] or 0), h["version"], h["release"]) for h in found]
    return len(versions) == 1 and rpm.labelCompare(versions[0], wanted) >= 0


def _sweep(packages: List[Any]) -> List[str]:
    """Remove the unfinished files that a killed rpm left beside those of the packages.

    Before a transaction, since rpm names them by the second and fails on one that it made a moment ago.
    """
    files = {path for package in packages for path in package.files}
    folders = sorted({os.path.dirname(path) for path in files})
    return [path for folder in folders for path in _sweep_folder(folder, files)]


def _sweep_folder(folder: str, files: Any) -> List[str]:
    removed = []
    for path in glob.glob(os.path.join(glob.escape(folder), "*;*")):
        match = _RPM_SCRATCH.fullmatch(path)
        unfinished = os.path.islink(path) or not os.path.isdir(path)  # a link to a folder is no folder
        if match and match.group("name") in files and unfinished:
            os.unlink(path)
            removed.append(path)
    return removed


def _solve_removal(base: Any, message: str) -> None:
    try:
        base.resolve(allow_erasing=False)
    except dnf.exceptions.Error as error:
        raise RequestError(message, str(error).strip(), "Something that stays needs them.") from error
