"""Which engines there are, and which packages bring one of them."""

import functools
import re
from typing import Any, Dict, List

import dnf.exceptions  # type: ignore

from switchroom.box.dnf_child.repositories import full_base
from switchroom.box.dnf_child.wire import Request, RequestError

_ENGINE = re.compile(r"switchroom-engine\((?P<series>[^)]+)\) = (?:\d+:)?(?P<version>[^-]+)(?:-.*)?")
_NAME = re.compile(r"asterisk(?P<version>\d[^-_]*)_(?P<build>\d+)")
_NEWEST_FIRST = functools.cmp_to_key(lambda one, other: other.evr_cmp(one))  # type: ignore[attr-defined]


def offers(request: Request) -> List[Dict[str, Any]]:
    """Return every engine that is installed or offered, newest first."""
    base = full_base(request)
    found: Dict[str, Dict[str, Any]] = {}
    for package in _newest_first(_engines(base)):
        offer = found.setdefault(str(package), _offer(package))
        offer["installed"] = offer["installed"] or package.reponame == "@System"
        if package.reponame != "@System":
            offer["repository"] = package.reponame
            offer["download_bytes"] = package.downloadsize
    if not request.get("offline") and not any(offer["repository"] for offer in found.values()):
        raise RequestError(
            "No enabled package repository offers an Asterisk engine.",
            hint="Install the package 'switchroom-release', or enable its repository: "
            "dnf config-manager --set-enabled switchroom-stable",
        )
    return list(found.values())


def _engines(base: Any) -> List[Any]:
    found = base.sack.query().filter(provides__glob="switchroom-engine(*)")
    return [package for package in found if _NAME.fullmatch(package.name)]


def _newest_first(packages: List[Any]) -> List[Any]:
    return sorted(packages, key=_NEWEST_FIRST)


def _series(package: Any) -> str:
    matches = (_ENGINE.fullmatch(str(provide)) for provide in package.provides)
    return next((match.group("series") for match in matches if match), "")


def _offer(package: Any) -> Dict[str, Any]:
    name = _NAME.fullmatch(package.name)
    assert name  # noqa: S101 - _engines left out what does not match
    return {
        "series": _series(package),
        "version": name.group("version"),
        "build": int(name.group("build")),
        "nevra": str(package),
        "installed": False,
        "repository": "",
        "download_bytes": 0,
        "install_bytes": package.installsize,
        "fixture": _is_fixture(package),
    }


def resolve(request: Request) -> Dict[str, Any]:
    """Return the packages to install: an engine, its extras and, if it is the newest, its meta packages."""
    base = full_base(request)
    engine = _wanted(base, request["engine"])
    refuse_lab([engine])
    names = [engine.name + "-" + extra for extra in request["extras"]]
    missing = [name for name in names if not base.sack.query().filter(name=name)]
    wanted = [engine, *(_wanted(base, name) for name in names if name not in missing)]
    if _is_newest(base, engine):
        wanted += [meta for package in wanted for meta in _metas(base, package)]
    for package in wanted:
        _ask(base, package, package.name in request["damaged"])
    solve(base, f"The packages of '{engine.name}' do not fit this box.")
    refuse_lab(base.transaction.install_set if base.transaction else ())
    return {"packages": _actions(base), "wanted": [p.name for p in wanted], "missing": missing}


def _wanted(base: Any, name: str) -> Any:
    query = base.sack.query().filter(name=name)
    found = _newest_first(list(query.installed()) or list(query.available()))
    if not found:
        raise RequestError(
            f"There is no package '{name}' on this box, nor in an enabled repository.",
            hint="List what there is with: switchroom switch --list",
        )
    return found[0]


def _is_newest(base: Any, engine: Any) -> bool:
    rivals = [package for package in _engines(base) if _series(package) == _series(engine)]
    return all(engine.evr_cmp(rival) >= 0 for rival in rivals)


def _metas(base: Any, package: Any) -> List[Any]:
    """Return the package of the same source that follows the series and requires exactly this one."""
    query = base.sack.query().filter(requires=package.name, arch="noarch")
    found = [p for p in query if p.sourcerpm == package.sourcerpm and p.evr == package.evr]
    newest = {p.name: p for p in found if not p.name.startswith(package.name)}
    return [newest[name] for name in sorted(newest)]


def _ask(base: Any, package: Any, damaged: bool) -> None:
    same = base.sack.query().filter(name=package.name, evr=package.evr, arch=package.arch)
    if not same.installed():
        base.package_install(package)
    elif damaged:
        offered = list(same.available())
        if not offered:
            raise RequestError(
                f"The installed package '{package}' is damaged, and no repository offers it any more.",
                hint=f"'rpm -V {package.name}' shows the damage.",
            )
        base.package_reinstall(offered[0])


def solve(base: Any, message: str) -> None:
    """Resolve what was asked for; no package may go but for another version of itself."""
    try:
        base.resolve(allow_erasing=False)
    except dnf.exceptions.DepsolveError as error:
        raise RequestError(message, str(error).strip(), _conflict_hint(base)) from error
    arriving = {package.name for package in base.transaction.install_set} if base.transaction else set()
    leaving = [p for p in (base.transaction.remove_set if base.transaction else ()) if p.name not in arriving]
    if leaving:
        raise RequestError(message, "They would replace: " + ", ".join(sorted(map(str, leaving))))


def _conflict_hint(base: Any) -> str:
    other = [str(package) for package in base.sack.query().installed().filter(name="asterisk")]
    if other:
        return f"'{other[0]}' is another build of Asterisk, from elsewhere: dnf remove asterisk"
    return "'dnf repoquery --requires PACKAGE' and 'dnf check' show what is in the way."


def _actions(base: Any) -> List[Dict[str, Any]]:
    installed = {package.name: package for package in base.sack.query().installed()}
    packages = sorted(base.transaction.install_set) if base.transaction else []
    return [
        {
            "nevra": str(package),
            "name": package.name,
            "repository": package.reponame,
            "download_bytes": package.downloadsize,
            "install_bytes": package.installsize,
            "action": _action(package, installed.get(package.name)),
        }
        for package in packages
    ]


def _action(package: Any, before: Any) -> str:
    if before is None:
        return "install"
    return "reinstall" if before.evr == package.evr else "upgrade"


def _is_fixture(package: Any) -> bool:
    return any(str(provide).startswith("switchroom-fixture") for provide in package.provides)


def refuse_lab(packages: Any) -> None:
    """Refuse what was built for the lab, or made for tests only, on any machine that is not the lab."""
    with open("/etc/os-release", encoding="utf-8") as release:
        if re.search(r'^VARIANT_ID="?switchroom-lab"?$', release.read(), re.MULTILINE):
            return
    for package in packages:
        if _is_fixture(package) or re.search(r"\.lab(\.|$)", package.release):
            raise RequestError(
                f"The package '{package}' was made for the lab and is never for a real machine.",
                hint="Use a repository whose packages were built for this release of Enterprise Linux.",
            )
