# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""dnf as dnf_stream uses it: one transaction, solved, and carried out with every signature checked."""

from __future__ import annotations

import os
import typing as t

try:
    import dnf
    import dnf.exceptions
    import dnf.module.module_base
    from ansible_collections.switchroom.pbx.plugins.module_utils import signatures
except ImportError:  # the module finds another interpreter, or says that there is none
    dnf = None


def available() -> bool:
    """Return whether this interpreter has dnf's modules."""
    return dnf is not None


def errors() -> t.Tuple[t.Type[Exception], ...]:
    """Return what dnf raises when it refuses or fails."""
    return (dnf.exceptions.Error,)


def installed() -> t.Any:
    """Return a query of what is installed; no repository is read."""
    base = dnf.Base()
    base.fill_sack(load_system_repo=True, load_available_repos=False)
    return base.sack.query().installed()


def opened() -> t.Any:
    """Return a base with the box's own configuration and repositories."""
    base = dnf.Base()
    base.conf.read()
    base.conf.substitutions.update_from_etc(base.conf.installroot)
    release = dnf.rpm.detect_releasever(base.conf.installroot)
    base.conf.releasever = release or base.conf.releasever
    # What the old version needed stays; nobody asked for its removal.
    base.conf.clean_requirements_on_remove = False
    base.init_plugins()
    base.pre_configure_plugins()
    base.read_all_repos()
    base.configure_plugins()
    signatures.enforce(base)
    base.fill_sack()
    return base


def enable(base: t.Any, name: str, before: str, stream: str) -> None:
    """Put a module on a stream, none where it is empty, in this base; it is saved with the transaction."""
    modules = dnf.module.module_base.ModuleBase(base)
    # Not both: dnf refuses to enable a stream of a module that it has just reset.
    if stream and before != stream:
        modules.enable([f"{name}:{stream}"])
    elif before and not stream:
        modules.reset([name])


def move(base: t.Any, names: t.Any, packages: t.Iterable[str]) -> None:
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


def bring(base: t.Any, packages: t.Iterable[str]) -> None:
    """Mark packages to be installed where they are not."""
    for package in packages:
        if not base.sack.query().installed().filter(name=package):
            base.install(package)


def repeat(base: t.Any, packages: t.Iterable[str]) -> None:
    """Mark installed packages to be installed again, where a repository has the same build."""
    for package in base.sack.query().installed().filter(name=list(packages)):
        same = base.sack.query().available().filter(nevra=str(package))
        if same:
            base.package_reinstall(same[0])


def needed_by(base: t.Any, names: t.Any) -> t.List[str]:
    """Return the installed packages of other names that need one of the runtime."""
    here = base.sack.query().installed()
    own = [package for package in here if names.belongs(package.name)]
    users = here.filter(requires=own) if own else []
    return sorted({package.name for package in users if not names.belongs(package.name)})


def arriving(base: t.Any) -> t.List[t.Any]:
    """Return the packages that the solved transaction brings."""
    return sorted(base.transaction.install_set) if base.transaction else []


def leaving(base: t.Any) -> t.List[t.Any]:
    """Return the packages that go without another one of their name in their place."""
    coming = {package.name for package in arriving(base)}
    gone = base.transaction.remove_set if base.transaction else ()
    return sorted(package for package in gone if package.name not in coming)


def remaining(base: t.Any) -> t.List[t.Any]:
    """Return the packages that are installed after the solved transaction."""
    gone = set(base.transaction.remove_set) if base.transaction else set()
    return [*(package for package in base.sack.query().installed() if package not in gone), *arriving(base)]


def carry_out(base: t.Any, before: t.Callable[[], None]) -> None:
    """Download, check every signature, call ``before``, and run the transaction.

    Raises dnf's own errors; one of them for a package whose signature is missing or wrong.
    """
    os.umask(0o022)
    packages = arriving(base)
    base.download_packages(packages)
    for package in packages:
        found = signatures.complaint(base, package)
        if found:
            raise dnf.exceptions.Error("\n".join(filter(None, found)))
    before()
    base.do_transaction()
    base.unload_plugins()  # a process can load them once only, and there may be a second transaction
    base.close()
