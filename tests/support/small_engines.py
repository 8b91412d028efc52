"""Small packages under the names and with the words of real engines, whose scriptlets keep a diary."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Mapping, Sequence

from support.small_rpms import rpmbuild

DIARY = "/var/log/scriptlets"
PHASES = ("pre", "post", "preun", "postun", "posttrans")


@dataclass(frozen=True)
class SmallEngine:
    """One build of an engine with its module package ``odbc`` and both meta packages.

    ``scripts`` are shell lines added to scriptlets of the engine, by their names in a spec; ``needs`` are
    more requirements of it.
    """

    series: str
    version: str
    build: int = 1
    release: str = "lab"
    scripts: Mapping[str, str] = field(default_factory=dict)
    needs: Sequence[str] = ()
    fixture: bool = False

    @property
    def name(self) -> str:
        return f"asterisk{self.version}_{self.build}"

    @property
    def prefix(self) -> str:
        return f"/usr/lib64/switchroom/engines/{self.version}-{self.build}"

    def spec(self) -> str:
        release = f"{self.build}.{self.release}"
        meta = f"asterisk{self.series}"
        needs = "".join(f"Requires: {need}\n" for need in self.needs)
        fixture = f"Provides: switchroom-fixture = {self.version}\n" if self.fixture else ""
        return f"""Name: {self.name}
Version: {self.version}
Release: {release}
Summary: Small engine
License: MIT
BuildArch: x86_64
Provides: switchroom-asterisk = {self.version}
Provides: switchroom-engine({self.series}) = {self.version}
{fixture}{needs}%description
Small engine.
%package odbc
Summary: Modules
Requires: {self.name} = {self.version}-{release}
%description odbc
Modules.
%package -n {meta}
Summary: The newest
BuildArch: noarch
Requires: {self.name} = {self.version}-{release}
%description -n {meta}
The newest.
%package -n {meta}-odbc
Summary: The newest, with modules
BuildArch: noarch
Requires: {meta} = {self.version}-{release}
Requires: {self.name}-odbc = {self.version}-{release}
%description -n {meta}-odbc
The newest.
%install
mkdir -p %{{buildroot}}{self.prefix}/sbin %{{buildroot}}{self.prefix}/modules
echo '#!/bin/sh' > %{{buildroot}}{self.prefix}/sbin/asterisk
chmod 755 %{{buildroot}}{self.prefix}/sbin/asterisk
touch %{{buildroot}}{self.prefix}/modules/res_odbc.so
ln -s /var/lib %{{buildroot}}{self.prefix}/sbin/sounds
{scriptlets("", self.scripts)}{scriptlets("odbc")}{scriptlets(f"-n {meta}")}{scriptlets(f"-n {meta}-odbc")}
%files
{self.prefix}/sbin
%files odbc
{self.prefix}/modules
%files -n {meta}
%files -n {meta}-odbc
"""


def scriptlets(package: str, more: Mapping[str, str] | None = None) -> str:
    """Return scriptlets that write their package, their name and their argument into the diary."""
    name = {"": "%{name}", "odbc": "%{name}-odbc"}.get(package, package.removeprefix("-n "))
    return "".join(
        f"%{phase} {package}\necho '{name} {phase}:'$1 >>{DIARY}\n{(more or {}).get(phase, ':')}\n"
        for phase in PHASES
    )


def build_engines(folder: Path, *engines: SmallEngine) -> list[Path]:
    """Build engines and return all their packages."""
    return build_specs(folder, {engine.name: engine.spec() for engine in engines})


def build_specs(folder: Path, specs: Mapping[str, str]) -> list[Path]:
    """Build packages from specs and return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in specs.items():
        (folder / f"{name}.spec").write_text(text)
    rpmbuild(folder, [folder / f"{name}.spec" for name in specs])
    return sorted((folder / "rpms").rglob("*.rpm"))
