"""A policy store for SELinux's real tools: Enterprise Linux's labels over a stand-in for its base policy."""

from __future__ import annotations

import functools
import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from support.specs import rpmspec, scriptlet

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/data/selinux"
OURS = ROOT / "rpmspecs/asterisk-common"
MAJORS = ("9", "10")
_KINDS = {
    "": "any",
    "--": "file",
    "-d": "dir",
    "-l": "symlink",
    "-p": "pipe",
    "-s": "socket",
    "-b": "block",
    "-c": "char",
}
_PORT = re.compile(r"^\(portcon (tcp|udp) \(?(\d+)(?: (\d+)\))? \(system_u object_r (\w+)", re.MULTILINE)
Row = Tuple[str, str, str]
Question = Tuple[str, str, str, str]


@functools.lru_cache
def rows(major: str) -> Tuple[Row, ...]:
    """Return pattern, file type and type of a major's default labels, without the module asterisk's."""
    lines = gzip.decompress((DATA / f"file-contexts-el{major}.tsv.gz").read_bytes()).decode().splitlines()
    absent = {"asterisk", *((DATA / "el10-modules-extra.lst").read_text().split() if major == "10" else ())}
    found: Dict[Tuple[str, str], str] = {}
    patterns = set()
    for pattern, kind, name, module in (line.split("\t") for line in lines[1:]):
        # The tool refuses what is said twice of one pattern.
        told = pattern in patterns and (kind == "" or {(pattern, kind), (pattern, "")} & set(found))
        if pattern.startswith("/") and module not in absent and not told:
            patterns.add(pattern)
            found[pattern, kind] = name
    return tuple((*key, name) for key, name in found.items())


def labels(major: str) -> str:
    """Return a module that declares the types of a major's labels, and has the labels."""
    declared = set(re.findall(r"\(type (\w+)\)", (DATA / "base.cil").read_text()))
    types = sorted({name for _, _, name in rows(major)} - {"<<none>>"})
    return "\n".join([*_types(types, declared), *map(_filecon, rows(major))])


def _types(types: Sequence[str], declared: set[str]) -> Iterator[str]:
    yield from (f"(type {name})" for name in types if name not in declared)
    yield f"(typeattributeset file_type ({' '.join(types)}))"


def _filecon(row: Row) -> str:
    pattern, kind, name = row
    context = "()" if name == "<<none>>" else f"(system_u object_r {name} ((s0) (s0)))"
    return f'(filecon "{pattern}" {_KINDS[kind]} {context})'


def port(protocol: str, number: int) -> str:
    """Return the type of a port in the base policy."""
    for kind, first, last, name in _PORT.findall((DATA / "base.cil").read_text()):
        if kind == protocol and int(first) <= number <= int(last or first):
            return str(name)
    raise LookupError(f"{protocol} {number}")


def packaged(major: str) -> List[Path]:
    """Return the modules that asterisk-common of a major installs."""
    text = scriptlet(rpmspec("asterisk-common", {"rhel": major}, "-P"), "install")
    return sorted({OURS / Path(name).name for name in re.findall(r"\S+\.cil\b", text)})


class Store:
    """A box's policy, as its tools see it: ``root`` holds /etc/selinux and /var/lib/selinux."""

    def __init__(self, root: Path, major: str) -> None:
        self.root, self.major = root, major
        self._files = root / "etc/selinux/targeted/contexts/files"
        self._answers: Dict[Question, List[str]] = {}

    def command(self) -> List[str]:
        """Return semodule as it works on this store."""
        return ["/usr/sbin/semodule", "-p", str(self.root), "-s", "targeted", "-n"]

    def semodule(self, *arguments: str) -> str:
        """Run semodule on the store; return what it says."""
        self._answers = {}
        done = subprocess.run([*self.command(), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def load(self, modules: Sequence[Path]) -> None:
        """Load modules at the priority of packages."""
        self.semodule("-X", "200", "-i", *map(str, modules))

    @property
    def contexts(self) -> Path:
        """The file of labels that semodule made."""
        return self._files / "file_contexts"

    @property
    def policy(self) -> Path:
        """The compiled policy."""
        return next((self.root / "etc/selinux/targeted/policy").glob("policy.*"))

    def types(self, paths: Sequence[str]) -> Dict[str, str]:
        """Return the type that restorecon would give to each path, a plain file."""
        argv = ["/usr/sbin/matchpathcon", "-f", str(self.contexts), "-m", "file", *paths]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        pairs = (line.split("\t") for line in done.stdout.splitlines())
        return {path: context.split(":")[2] if ":" in context else context for path, context in pairs}

    def ask(self, questions: Sequence[Question]) -> Dict[Question, List[str]]:
        """Return for each source, target, class and permission the conditions of the rules that allow it."""
        if not set(questions) <= set(self._answers):
            self._answers.update(zip(questions, self._asked(questions)))
        return self._answers

    def _asked(self, questions: Sequence[Question]) -> List[List[str]]:
        argv = ["/usr/bin/python3", "-I", str(Path(__file__).with_name("setools_ask.py")), str(self.policy)]
        done = subprocess.run(argv, input=json.dumps(questions), capture_output=True, text=True, check=True)
        answers: List[List[str]] = json.loads(done.stdout)
        return answers

    def info(self, option: str) -> List[str]:
        """Return what seinfo lists, in full, one a line."""
        argv = ["seinfo", str(self.policy), "--flat", "-x", option]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def make(root: Path, major: str, modules: Sequence[Path] = (), *, asterisk: Optional[bool] = None) -> Store:
    """Make a store with a major's base policy, and modules over it.

    ``asterisk`` says whether EL's own module is there, by default as the major has it.
    """
    files = root / "etc/selinux/targeted/contexts/files"
    for folder in (files, root / "var/lib/selinux/targeted"):
        folder.mkdir(parents=True)
    (root / "etc/selinux/config").write_text("SELINUX=enforcing\nSELINUXTYPE=targeted\n")
    shutil.copy(DATA / f"subs-el{major}", files / "file_contexts.subs_dist")
    (root / "labels.cil").write_text(labels(major))
    base = [DATA / "base.cil", root / "labels.cil"]
    if major == "9" if asterisk is None else asterisk:
        base.append(Path(shutil.copy(DATA / "el-asterisk.cil", root / "asterisk.cil")))
    store = Store(root, major)
    # One option a file: semodule counts words without one to its last option.
    both = {"100": base, "200": modules}
    store.semodule(
        *(
            word
            for priority, paths in both.items()
            for path in paths
            for word in ("-X", priority, "-i", str(path))
        )
    )
    return store
