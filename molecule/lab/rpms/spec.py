"""The spec of a source: what the data says, and the files that are there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterator

import jinja2

from lab.rpms import tree
from lab.rpms.model import HERE, Outlet, Package, Source

_TEMPLATE = HERE / "source.spec.j2"
_NOT_ASKED_FOR = ("perl[(]", "perl[(:]", "python[(]abi", "python3[.0-9]*dist", "pkgconfig[(]", "libc6")


@dataclass(frozen=True)
class Laid:
    """A source's files ready to be packaged.

    ``private`` names the libraries brought to ``home``, ``shared`` those that the packages have themselves.
    """

    source: Source
    version: str
    root: Path
    home: str
    private: FrozenSet[str] = frozenset()
    shared: FrozenSet[str] = frozenset()

    @property
    def libraries(self) -> str:
        """The name of the package of the libraries."""
        return f"lab-libs-{self.source.name}"


def render(laid: Laid, outlet: Outlet) -> str:
    """Return the text of the spec as the packages are called in an outlet."""
    source = laid.source
    environment = jinja2.Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 -- no HTML, and the data is the lab's own
    )
    return environment.from_string(_TEMPLATE.read_text()).render(
        name=f"lab-{source.name}",
        version=laid.version,
        suite=source.suite,
        debian=source.debian,
        own_c_library=source.own_c_library,
        excluded=[*_NOT_ASKED_FOR, *(_quoted(name) for name in sorted(laid.private | laid.shared))],
        packages=[*(_package(package, laid, outlet) for package in source.packages), *_libraries(laid)],
        root=laid.root,
    )


def _package(package: Package, laid: Laid, outlet: Outlet) -> Dict[str, Any]:
    entries = tree.claimed(package, laid.root)
    name = outlet.name(package.name)
    requires = [_word(word, laid, outlet) for word in package.requires]
    provides = [_word(word, laid, outlet) for word in package.provides]
    if laid.private and package.files:
        requires.append(f"{laid.libraries} = {laid.version}")
    conflicts = [_word(word, laid, outlet) for word in package.conflicts]
    if name != package.name:
        provides.append(f"{package.name} = {laid.version}")
        conflicts.append(package.name)
    lines = [_line(entry, package) for entry in entries]
    if package is laid.source.packages[0]:
        lines.append(tree.licences(laid.source))
    lines += [f"%ghost {_attributes(f'/{path}', package)}/{path}" for path in package.ghost]
    words = {"requires": requires, "provides": provides, "conflicts": conflicts}
    return {**vars(package), **words, "name": name, "lines": lines}


def _libraries(laid: Laid) -> Iterator[Dict[str, Any]]:
    if laid.private:
        package = Package(laid.libraries, f"Libraries of {laid.source.suite} that a box lacks")
        yield {**vars(package), "lines": [laid.home]}


def _word(word: str, laid: Laid, outlet: Outlet) -> str:
    """Return a dependency with the version and the outlet's names in it."""
    own = {package.name for package in laid.source.packages}
    name, space, rest = word.partition(" ")
    name = outlet.name(name) if name in own else name
    return f"{name}{space}{rest}".replace("@VERSION@", laid.version)


def _line(entry: tree.Entry, package: Package) -> str:
    kind = "%dir " if entry.folder else ""
    if not entry.folder and tree.matches(entry.path, package.config):
        kind = "%config(noreplace) "
    return f'{_attributes(entry.path, package)}{kind}"{entry.path}"'


def _attributes(path: str, package: Package) -> str:
    for pattern, words in package.attributes.items():
        if tree.matches(path, [pattern]):
            mode, user, group = words.split()
            return f"%attr({mode}, {user}, {group}) "
    return "%attr(-, root, root) "


def _quoted(name: str) -> str:
    return name.replace(".", "[.]").replace("+", "[+]") + "[(]"
