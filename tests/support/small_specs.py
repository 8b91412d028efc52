"""A small spec with a compiler in it, for tests of the build itself."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from switchroom.build import macros
from switchroom.build.lookaside import Lookaside
from switchroom.build.packages import Builder, Outcome, Workshop, local_builder
from switchroom.build.recipe import Recipe, read
from switchroom.build.workspace import data_path
from switchroom.core.progress import Reporter

EPOCH = 1_700_000_000
# As engines are compiled: by the distribution's flags, below the source's folder, headers by absolute path.
COMPILE = """\
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1 CFLAGS="%{optflags} %{sw_path_flags}" TOP="$PWD"
cd main
gcc $CFLAGS -I"$TOP/include" -DSMALL=1 -c -o small.o small.c
gcc %{build_ldflags} -o ../small small.o"""
INSTALL = """\
install -D small %{buildroot}%{_bindir}/small
%{sw_find_sources}"""

_SPEC = """%global _lto_cflags %{nil}
Name: small
Version: 1.0
Release: 1%{?dist}
Summary: Small package
License: MIT
Source0: small.c
Source1: small.h
BuildRequires: gcc
%description
Small package.
%prep
%setup -q -c -T
install -D -t main %{SOURCE0}
install -D -t include %{SOURCE1}
%build
@BUILD@
%install
@INSTALL@
%files
%{_bindir}/small
%changelog
* Tue Nov 14 2023 Tester <tester@example.com> - 1.0-1
- Made on the spot
"""
_SOURCE = """\
#include <stdio.h>
#include "small.h"
int main(void) { puts(__FILE__ " " __DATE__ " " __TIME__); return small("small"); }
"""
_HEADER = "static inline int small(const char *word) { return puts(word) + puts(__FILE__) < 0; }\n"


def write_specs(folder: Path, build: str = COMPILE, install: str = INSTALL) -> Path:
    """Write the spec with these sections, and what stands beside specs; return the folder."""
    (folder / "small").mkdir(parents=True)
    (folder / "small.spec").write_text(_SPEC.replace("@BUILD@", build).replace("@INSTALL@", install))
    (folder / "small/small.c").write_text(_SOURCE)
    (folder / "small/small.h").write_text(_HEADER)
    (folder / "debian-names.yml").write_text("gcc: gcc\n")
    for path in macros.files(data_path("rpmspecs")):
        shutil.copyfile(path, folder / path.name)
    return folder


def make(specs: Path, builder: Builder | None = None) -> Outcome:
    """Build the spec as the command does, with the cache that the environment names."""
    reporter = Reporter(quiet=True)
    inputs = read(Recipe("small", specs / "small.spec"), Lookaside(specs, reporter))
    return Workshop(builder or local_builder(specs, EPOCH, 1), EPOCH, reporter).make(inputs)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
