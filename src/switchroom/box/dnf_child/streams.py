"""A runtime at one version, as a module stream or as packages named after it, in one transaction."""

from typing import Any, Dict, Iterable, List, Set

import dnf.module.module_base  # type: ignore

from switchroom.box.dnf_child import binding, signatures
from switchroom.box.dnf_child.repositories import local_base, open_base
from switchroom.box.dnf_child.runtime import Names, Record, belongs_to, enabled_stream
from switchroom.box.dnf_child.wire import FAILED, Request, RequestError


def stream(request: Request) -> Dict[str, Any]:
    """Make a runtime as wanted, or with ``dry_run`` see what would be done.

    The request has the arguments of the collection's module ``dnf_stream``, and the answer what that returns.
    A change that was killed is completed, and every package that was under way installed again.
    """
    runtime = Runtime(request)
    answer: Dict[str, Any] = {**runtime.standing(), **_NOTHING}
    if runtime.settled:
        return answer
    base = runtime.solve()
    before = _state(runtime, runtime.enabled, runtime.packages)
    answer.update(_forecast(runtime, base), diff={"before": before, "after": _expected(runtime, base)})
    if runtime.moving and not runtime.torn and not request["allow_change"]:
        raise RequestError(
            f"{runtime.version} is installed, and 'allow_change' does not permit another version."
        )
    if not request["dry_run"]:
        runtime.change(base)
    return answer


_NOTHING: Dict[str, Any] = {
    "installed": [],
    "removed": [],
    "needed_by": [],
    "download_bytes": 0,
    "install_bytes": 0,
}


class Runtime:
    """A runtime on this box, and what is wanted of it."""

    def __init__(self, wanted: Request) -> None:
        self.wanted = wanted
        self.names = Names(wanted["name"], wanted["prefix"] or wanted["name"], wanted["others"])
        self.record = Record(wanted["name"])
        self.under_way = self.record.read()
        self.look()

    def look(self) -> None:
        """See what is installed and enabled."""
        self.enabled = enabled_stream(self.wanted["name"])
        here = local_base(self.wanted).sack.query().installed()
        self.packages = sorted(package for package in here if self.names.belongs(package.name))
        first = self.wanted["packages"][0]
        of_first = [package for package in self.packages if self.names.counterpart(package.name) == first]
        self.version = of_first[-1].version if of_first else ""
        self.fits = belongs_to(self.version, self.wanted["version"]) and of_first[-1].name == first

    @property
    def torn(self) -> bool:
        """Whether an earlier change was killed: it is on record, or two builds of a package are there."""
        names = [package.name for package in self.packages]
        return self.under_way is not None or len(names) != len(set(names))

    @property
    def moving(self) -> bool:
        """Whether there is a runtime, and of another version."""
        return bool(self.version) and not self.fits

    @property
    def settled(self) -> bool:
        """Whether all is as wanted."""
        missing = set(self.wanted["packages"]) - {package.name for package in self.packages}
        return not (self.torn or missing) and self.fits and self.wanted["stream"] in (None, self.enabled)

    def standing(self) -> Dict[str, Any]:
        """Return what there is, and whether it is to be changed."""
        return {
            "before": self.version,
            "stream": self.enabled,
            "settled": self.settled,
            "moving": self.moving,
            "cut": self.torn,
            "changed": not self.settled,
        }

    def solve(self) -> Any:
        """Return a base with the solved transaction that makes it as wanted."""
        base = _opened(self.wanted)
        if self.wanted["stream"] is not None:
            _enable(base, self.wanted["name"], self.enabled, self.wanted["stream"])
        shift = self.moving or self.torn
        if shift:
            _move(base, self.names, {package.name for package in self.packages})
        for package in self.wanted["packages"]:
            if not base.sack.query().installed().filter(name=package):
                base.install(package)
        base.resolve(allow_erasing=shift)
        self._check(base)
        return base

    def _check(self, base: Any) -> None:
        foreign = [str(package) for package in _leaving(base) if not self.names.belongs(package.name)]
        if foreign:
            raise RequestError(
                "{} would have to go for it. Remove them first, or stay.".format(", ".join(foreign))
            )
        first = self.wanted["packages"][0]
        found = [package.version for package in _remaining(base) if package.name == first]
        if not any(belongs_to(version, self.wanted["version"]) for version in found):
            raise RequestError("The enabled repositories have '{}' {} only.".format(first, ", ".join(found)))

    def change(self, base: Any) -> None:
        """Carry the transaction out; what was cut short is installed again."""
        under_way = {package.name for package in _arriving(base)} | set(self.under_way or ())
        _carry_out(base, self.record, under_way)
        if self.torn:
            self._repeat(under_way)
        self.record.remove()
        self.under_way = None
        self.look()
        if not self.settled:
            message = "The transaction ended, and not all packages are as they should be; see 'dnf check'."
            raise RequestError(message, code=FAILED)

    def _repeat(self, under_way: Set[str]) -> None:
        """Install again what was under way, where a repository has the same build."""
        base = _opened(self.wanted)
        here = base.sack.query().installed()
        names = under_way | {package.name for package in here if self.names.belongs(package.name)}
        for package in here.filter(name=list(names)):
            same = base.sack.query().available().filter(nevra=str(package))
            if same:
                base.package_reinstall(same[0])
        base.resolve()
        _carry_out(base, self.record, under_way)


def _opened(request: Request) -> Any:
    """Return dnf with the box's own repositories and plugins, and with the one signature policy."""
    base = open_base(request)
    base.conf.plugins = True  # a site may hold versions by one
    base.init_plugins()
    base.pre_configure_plugins()
    base.read_all_repos()
    base.configure_plugins()
    signatures.enforce(base)
    base.fill_sack()
    for repo in base.repos.iter_enabled():
        found = binding.problem(repo, base.conf.releasever)
        if found:
            raise RequestError(found[0], hint=found[1])
    return base


def _enable(base: Any, name: str, before: str, wanted: str) -> None:
    """Put a module on a stream, none where it is empty, in this base; it is saved with the transaction."""
    modules = dnf.module.module_base.ModuleBase(base)
    # Not both: dnf refuses to enable a stream of a module that it has just reset.
    if wanted and before != wanted:
        modules.enable([f"{name}:{wanted}"])
    elif before and not wanted:
        modules.reset([name])


def _move(base: Any, names: Names, packages: Iterable[str]) -> None:
    """Mark installed packages to be what the base's stream and the names of the version make of them."""
    offered = {package.name for package in base.sack.query().available()}
    for package in packages:
        other = names.counterpart(package)
        if other not in offered:
            continue
        if other == package:
            base.distro_sync(package)
        else:
            base.install(other)
            base.remove(package)


def _carry_out(base: Any, record: Record, under_way: Iterable[str]) -> None:
    """Download, check every signature, put down what is under way, and run the transaction."""
    packages = _arriving(base)
    base.download_packages(packages)
    for package in packages:
        found = signatures.complaint(base, package)
        if found:
            raise RequestError(*found)
    record.write(under_way)
    base.do_transaction()
    base.unload_plugins()  # a process can load them once only, and there may be a second transaction
    base.close()


def _arriving(base: Any) -> List[Any]:
    """Return the packages that the solved transaction brings."""
    return sorted(base.transaction.install_set) if base.transaction else []


def _leaving(base: Any) -> List[Any]:
    """Return the packages that go without another one of their name in their place."""
    coming = {package.name for package in _arriving(base)}
    gone = base.transaction.remove_set if base.transaction else ()
    return sorted(package for package in gone if package.name not in coming)


def _remaining(base: Any) -> List[Any]:
    """Return the packages that are installed after the solved transaction."""
    gone = set(base.transaction.remove_set) if base.transaction else set()
    here = [package for package in base.sack.query().installed() if package not in gone]
    return [*here, *_arriving(base)]


def _needed_by(base: Any, names: Names) -> List[str]:
    """Return the installed packages of other names that need one of the runtime."""
    here = base.sack.query().installed()
    own = [package for package in here if names.belongs(package.name)]
    users = here.filter(requires=own) if own else []
    return sorted({package.name for package in users if not names.belongs(package.name)})


def _forecast(runtime: Runtime, base: Any) -> Dict[str, Any]:
    """Return what a solved transaction would change."""
    coming, going = _arriving(base), _leaving(base)
    return {
        "installed": [str(package) for package in coming],
        "removed": [str(package) for package in going],
        "needed_by": _needed_by(base, runtime.names),
        "download_bytes": sum(package.downloadsize for package in coming),
        "install_bytes": sum(package.installsize for package in coming),
    }


def _state(runtime: Runtime, enabled: str, packages: Iterable[Any]) -> str:
    """Return a state of the runtime for people, a line a thing."""
    module = ["stream {}:{}".format(runtime.wanted["name"], enabled)] if enabled else []
    return "".join(line + "\n" for line in [*module, *sorted({str(package) for package in packages})])


def _expected(runtime: Runtime, base: Any) -> str:
    """Return the state after a solved transaction."""
    enabled = runtime.enabled if runtime.wanted["stream"] is None else runtime.wanted["stream"]
    own = [package for package in _remaining(base) if runtime.names.belongs(package.name)]
    return _state(runtime, enabled, own)
