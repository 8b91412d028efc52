"""A small spec with a compiler in it, for tests of the build itself."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from switchroom.build.lookaside import Lookaside
from switchroom.build.packages import Builder, Outcome, Workshop, local_builder
from switchroom.build.recipe import Recipe, read
from switchroom.build.workspace import data_path
from switchroom.core.progress import Reporter

EPOCH = 1_700_000_000
COMPILE = 'gcc %{optflags} -g3 -DSMALL=1 -ffile-prefix-map="$PWD"=. -o small small.c'

_SPEC = """Name: small
Version: 1.0
Release: 1%{?dist}
Summary: Small package
License: MIT
Source0: small.c
BuildRequires: gcc
%description
Small package.
%prep
%setup -q -c -T
cp %{SOURCE0} .
%build
@BUILD@
%install
install -D small %{buildroot}%{_bindir}/small
%files
%{_bindir}/small
%changelog
* Tue Nov 14 2023 Tester <tester@example.com> - 1.0-1
- Made on the spot
"""
_SOURCE = '#include <stdio.h>\nint main(void) { puts(__FILE__ " " __DATE__ " " __TIME__); return 0; }\n'


def write_specs(folder: Path, build: str) -> Path:
    """Write the spec, ``build`` as its %build section, and what stands beside specs; return the folder."""
    (folder / "small").mkdir(parents=True)
    (folder / "small.spec").write_text(_SPEC.replace("@BUILD@", build))
    (folder / "small/small.c").write_text(_SOURCE)
    (folder / "debian-names.yml").write_text("gcc: gcc\n")
    for name in ("macros.lab", "macros.reproducible"):
        shutil.copyfile(data_path("rpmspecs") / name, folder / name)
    return folder


def make(specs: Path, builder: Builder | None = None) -> Outcome:
    """Build the spec as the command does, with the cache that the environment names."""
    reporter = Reporter(quiet=True)
    inputs = read(Recipe("small", specs / "small.spec"), Lookaside(specs, reporter))
    return Workshop(builder or local_builder(specs, EPOCH, 1), EPOCH, reporter).make(inputs)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
