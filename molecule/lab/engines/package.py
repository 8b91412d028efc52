"""Packages a ready tree by ``rpmspecs/asterisk.spec`` itself, with its compiling left out.

So names, dependencies, scriptlets and file lists are those of a real engine, whatever the spec says today.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import AbstractSet, Mapping, Sequence

from switchroom.build import macros, recipes, rpmbuild
from switchroom.build.recipe import Inputs, Recipe
from switchroom.build.workspace import data_path, source_date_epoch
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Series
from switchroom.core.errors import SwitchroomError

ENGINES = Path("usr/lib64/switchroom/engines")
SCRIPTLET_LOG = "/var/log/lab-scriptlets"

# What the compiling sections leave behind is here already: root/ and licences/.
_INSTALL = """\
%install
cp -a %{lab_tree}/root/. %{buildroot}/
cp %{lab_tree}/licences/* .
# Nobody builds modules for it.
install -d %{buildroot}%{engine_prefix}/include
install -D -m 0644 /dev/null %{buildroot}%{_rpmmacrodir}/macros.%{sw_meta}-devel

"""
_COMPILING = re.compile(r"^%prep\n.*?(?=^%post\n)", re.MULTILINE | re.DOTALL)
_SOURCES = re.compile(r"^(?:Source\d*|BuildRequires):.*\n", re.MULTILINE)
_ABOUT = re.compile(r"^THIS IS A LAB FIXTURE:.*?(?=^%endif\n)", re.MULTILINE | re.DOTALL)
_PRIVATE = re.compile(r"^%global __requires_exclude .*$", re.MULTILINE)
_POST = re.compile(r"(?<=^%post\n)", re.MULTILINE)
# Writes one line when it runs: a scriptlet that a crash swallowed is a line that is missing.
_LOGGING = f"""\
%pre
echo "pre %{{name}}-%{{version}}-%{{release}} $1" >> {SCRIPTLET_LOG}

%posttrans
echo "posttrans %{{name}}-%{{version}}-%{{release}} $1" >> {SCRIPTLET_LOG}

"""
_LOGGED_POST = f'echo "post %{{name}}-%{{version}}-%{{release}} $1" >> {SCRIPTLET_LOG}\n'


@dataclass(frozen=True)
class Contents:
    """What is packaged: ``tree`` holds root/ (the files) and licences/ (COPYING, LICENSE).

    ``about`` says in full sentences what the fixture is. ``private`` names the shared libraries that the
    engine brings along, which are no dependency.
    """

    tree: Path
    about: str
    private: Sequence[str] = ()


def prefix(tree: Path, series: Series) -> Path:
    """Return where the engine's own files lie in a tree."""
    return tree / "root" / ENGINES / series.prefix_name


def package(series: Series, contents: Contents, work: Path, into: Path) -> None:
    """Build all RPMs of an engine into the folder ``into``; ``work`` is a scratch folder."""
    specs = data_path("rpmspecs")
    spec = work / "specs/asterisk.spec"
    spec.parent.mkdir(parents=True)
    spec.write_text(edited((specs / "asterisk.spec").read_text(), contents))
    for path in macros.files(specs):
        shutil.copyfile(path, spec.with_name(path.name))
    recipe = Recipe(series.engine, spec, _defines(series, contents))
    epoch = source_date_epoch(load_catalog().epoch)
    with rpmbuild.build(Inputs(recipe, {}, ()), epoch, jobs=1) as built:
        for rpm in built.packages:
            shutil.move(rpm, into / rpm.name)


def _defines(series: Series, contents: Contents) -> Mapping[str, str]:
    defines = dict(recipes.engine(data_path("rpmspecs"), series, {}).defines)
    built = {path.stem for path in (prefix(contents.tree, series) / "modules").glob("*.so")}
    parts = {part: _there(defines.pop(f"sw_part_{part}"), built) for part in defines["sw_parts"].split()}
    return {
        **defines,
        **{f"sw_part_{part}": modules for part, modules in parts.items()},
        "sw_parts": " ".join(part for part, modules in parts.items() if modules),
        "sw_fixture": "1",
        "lab_tree": str(contents.tree),
        "__os_install_post": "",  # the files are final: stripped where they came from, perhaps patched since
    }


def _there(modules: str, built: AbstractSet[str]) -> str:
    return " ".join(module for module in modules.split() if module in built)


def edited(text: str, contents: Contents) -> str:
    """Return the spec without its compiling, with the contents in its place and logging scriptlets."""
    about = f"THIS IS A LAB FIXTURE: {contents.about}\nNever install it on a real box.\n"
    text = _replaced(_COMPILING, _INSTALL + _LOGGING, text)
    text = _replaced(_ABOUT, about, text)
    text = _replaced(_POST, _LOGGED_POST, text)
    if contents.private:
        names = "|".join(name.replace(".", "[.]").replace("+", "[+]") for name in contents.private)
        text = _replaced(_PRIVATE, f"%global __requires_exclude ^({names})[(]", text)
    return _SOURCES.sub("", text)


def _replaced(pattern: re.Pattern[str], new: str, text: str) -> str:
    text, count = pattern.subn(lambda _match: new, text)
    if count != 1:
        raise SwitchroomError(
            f"asterisk.spec has {count} places that look like '{pattern.pattern}', and the lab needs one.",
            hint="Adapt molecule/lab/engines/package.py to the spec.",
        )
    return text
