"""What an engine really has: its modules, and the names its XML documentation tells of."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Dict, FrozenSet, Iterable, Mapping, Optional, Set
from xml.etree import ElementTree

from switchroom.box.scan import cpio
from switchroom.core import process
from switchroom.core.errors import SwitchroomError

# The element of the XML documentation to what it names.
_KINDS = {
    "application": "application",
    "function": "function",
    "manager": "action",
    "managerEvent": "event",
    "agi": "agi",
}
_MODULE_KINDS = ("app_", "bridge_", "cdr_", "cel_", "chan_", "codec_", "format_", "func_", "pbx_", "res_")
_PART_OF = {"res_odbc_transaction": "res_odbc"}  # documented under the name of a source file
_SECONDS = 120.0

Names = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Inventory:
    """The modules of an engine, and by kind the documented names (lower case) with the module they are of.

    Documentation also tells of modules that were not built, and old series do not say which module a name
    is of (then it is empty).
    """

    modules: FrozenSet[str]
    documented: Names

    def has(self, kind: str, name: str, hint: Optional[Inventory] = None) -> bool:
        """Return whether the engine has a name; ``hint`` may know the module where this one does not."""
        if kind == "module":
            return name in self.modules
        module = self.documented.get(kind, {}).get(name.lower())
        if module is None:
            return False
        if not module and hint is not None:
            module = hint.documented.get(kind, {}).get(name.lower(), "")
        module = _PART_OF.get(module, module)
        return not module.startswith(_MODULE_KINDS) or module in self.modules

    def knows_module(self, name: str) -> bool:
        """Return whether the documentation tells of a module, be it built or not."""
        return any(name in names.values() for names in self.documented.values())


def of_prefix(prefix: Path) -> Inventory:
    """Return the inventory of an engine installed at ``prefix``; raises SwitchroomError if unreadable."""
    documents = sorted((prefix / "share/documentation").glob("core-*.xml"))
    if not documents:
        raise SwitchroomError(
            f"The engine at '{prefix}' has no documentation, so what it has is not known.",
            hint=f"Look at it with: ls {prefix}/share/documentation",
        )
    modules = frozenset(path.stem for path in (prefix / "modules").glob("*.so"))
    with documents[0].open("rb") as stream:
        return Inventory(modules, _documented(stream, str(documents[0])))


def of_packages(packages: Iterable[Path]) -> Inventory:
    """Return the inventory of an engine in RPM files (its own and its module packages), nothing installed."""
    modules: Set[str] = set()
    documented: Dict[str, Dict[str, str]] = {}
    for package in packages:
        archive = process.run(
            ["rpm2cpio", package], what=f"Reading the package '{package.name}'", timeout=_SECONDS
        )
        try:
            _collect(archive.stdout, str(package), modules, documented)
        except ValueError as error:
            raise SwitchroomError(f"The package '{package}' cannot be read.", cause=str(error)) from error
    return Inventory(frozenset(modules), documented)


def _collect(archive: bytes, where: str, modules: Set[str], documented: Dict[str, Dict[str, str]]) -> None:
    for name, content in cpio.members(archive):
        path = Path(name)
        if path.suffix == ".so" and path.parent.name == "modules":
            modules.add(path.stem)
        elif path.parent.name == "documentation" and path.match("core-*.xml"):
            documented.update(_documented(io.BytesIO(content), f"{where}: {name}"))


def _documented(stream: IO[bytes], where: str) -> Dict[str, Dict[str, str]]:
    names: Dict[str, Dict[str, str]] = {kind: {} for kind in _KINDS.values()}
    try:
        for _, element in ElementTree.iterparse(stream):  # noqa: S314 - a file of the engine's own package
            kind = _KINDS.get(element.tag)
            if kind:
                names[kind].setdefault(element.get("name", "").lower(), element.get("module", ""))
                element.clear()
    except ElementTree.ParseError as error:
        raise SwitchroomError(f"The documentation '{where}' is no XML.", cause=str(error)) from error
    return names
