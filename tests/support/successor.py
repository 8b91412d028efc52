"""Metadata-only packages: the next build of a real one, and what a package says about itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

_SAID = {"requires": "Requires", "provides": "Provides", "conflicts": "Conflicts", "obsoletes": "Obsoletes"}
_KNOWN_TO_RPM = ("rpmlib(", "config(", "/bin/sh")


def query(rpm: Path, *words: str) -> str:
    """Return what ``rpm -qp`` says about a package file."""
    argv = ["rpm", "--query", "--package", *words, str(rpm)]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def next_build(rpm: Path, folder: Path) -> Path:
    """Return the package that follows ``rpm``, build 1 of something, as build 2: the same words, no files."""
    name, version, release, arch = query(
        rpm, "--queryformat", "%{NAME} %{VERSION} %{RELEASE} %{ARCH}"
    ).split()
    head = [f"Name: {_next(name)}", f"Version: {version}", f"Release: {_next(release)}", f"BuildArch: {arch}"]
    head += ["Summary: Next build", "License: MIT", "AutoReqProv: no"]
    folder.mkdir(parents=True, exist_ok=True)
    spec = folder / f"{name}.spec"
    spec.write_text("\n".join([*head, *_relations(rpm, name), "%description", "Next build.", "%files", ""]))
    make = ["rpmbuild", "-bb", "--define", f"_topdir {folder}", str(spec)]
    subprocess.run(make, check=True, capture_output=True)
    return folder / "RPMS" / arch / f"{_next(name)}-{version}-{_next(release)}.{arch}.rpm"


def _relations(rpm: Path, name: str) -> list[str]:
    lines = [
        f"{tag}: {_next(line)}"
        for option, tag in _SAID.items()
        for line in query(rpm, f"--{option}").splitlines()
        if not line.startswith(_KNOWN_TO_RPM)
    ]
    own = (f"Provides: {_next(name)} =", f"Provides: {_next(name)}(")
    return [line for line in dict.fromkeys(lines) if not line.startswith(own)]


def _next(text: str) -> str:
    """Count the build number on wherever it stands: ``asterisk22.10.1_1``, ``1.lab``, ``= 22.10.1-1.lab``."""
    words = text.split(" ")
    return " ".join(_counted(word) for word in words)


def _counted(word: str) -> str:
    if word.endswith("-1.lab") or word == "1.lab":
        return word[: -len("1.lab")] + "2.lab"
    return word[:-1] + "2" if word.startswith("asterisk") and word.endswith("_1") else word
