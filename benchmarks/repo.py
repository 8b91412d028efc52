"""Publishing, timed against the public tools it stands on, in one run on one machine.

For 1 and for 50 new packages, into an empty repository (full) and into one of 200 (incremental):
``switchroom``'s publish against ``cp``, ``rpmsign``, ``createrepo_c`` (``--update`` when incremental) and
``gpg`` by hand. By hand there is no check of the inputs, no atomic step for readers and no flush to disk.
Run it as ``python benchmarks/repo.py [ROUNDS]``; needs rpm, rpmsign, rpmbuild, createrepo_c and gpg.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Tuple

from switchroom.build import repo
from switchroom.build.keys import SigningKey, development_key
from switchroom.core.progress import Reporter

EPOCH = 1_700_000_000
PRESENT, NEW = 200, (1, 50)
PAYLOAD_BYTES = 200_000
ROUNDS = 3


def main() -> None:
    """Measure and print one JSON object: seconds, and the ratio ours : by hand in each round (medians)."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else ROUNDS
    with tempfile.TemporaryDirectory(prefix="bench-repo-") as name:
        folder = Path(name)
        rpms = build(folder / "build", PRESENT + max(NEW))
        key = development_key(folder / "keys")
        cases = {
            f"{kind}, {count} packages": (kind, count) for kind in ("full", "incremental") for count in NEW
        }
        results = {}
        for title, (kind, count) in cases.items():
            present = rpms[:PRESENT] if kind == "incremental" else []
            results[title] = compare(folder, key, (present, rpms[PRESENT : PRESENT + count]), rounds)
    json.dump({"cpus": os.cpu_count(), "rounds": rounds, "results": results}, sys.stdout, indent=2)
    print()


def compare(
    folder: Path, key: SigningKey, rpms: Tuple[List[Path], List[Path]], rounds: int
) -> Dict[str, float]:
    """Time both ways in turn, so that a busy moment hits both; ``rpms`` are there already, and new."""
    present, new = rpms
    ways: Dict[str, Callable[[Path, Sequence[Path]], None]] = {
        "switchroom": lambda root, rpms: ours(root, rpms, key),
        "by_hand": lambda root, rpms: by_hand(root, rpms, key),
    }
    prepared = {name: folder / f"prepared-{name}" for name in ways}
    for name, way in ways.items():
        if present:
            way(prepared[name], present)
    times: Dict[str, List[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            times[name].append(timed(way, prepared[name], new, folder / "work"))
    for path in prepared.values():
        shutil.rmtree(path, ignore_errors=True)
    seconds = {name: round(statistics.median(values), 3) for name, values in times.items()}
    ratios = [ours / theirs for ours, theirs in zip(times["switchroom"], times["by_hand"])]
    return {**seconds, "ratio": round(statistics.median(ratios), 2)}


def timed(way: Callable[[Path, Sequence[Path]], None], prepared: Path, new: List[Path], work: Path) -> float:
    """Time one way on a fresh copy of the prepared repository."""
    if prepared.exists():
        shutil.copytree(prepared, work, symlinks=True)
    os.sync()
    start = time.monotonic()
    way(work, new)
    seconds = time.monotonic() - start
    shutil.rmtree(work)
    return seconds


def ours(root: Path, rpms: Sequence[Path], key: SigningKey) -> None:
    """Publish with this project."""
    repo.publish(root, rpms, key=key, epoch=EPOCH, reporter=Reporter(quiet=True))


def by_hand(root: Path, rpms: Sequence[Path], key: SigningKey) -> None:
    """Publish with the public tools alone."""
    root.mkdir(exist_ok=True)
    copies = [Path(shutil.copy2(rpm, root)) for rpm in rpms]
    environment = {**os.environ, "GNUPGHOME": str(key.gnupghome)}
    defines = ["--define", f"__gpg {shutil.which('gpg')}", "--define", f"_gpg_name {key.fingerprint}"]
    commands: List[List[str]] = [
        ["rpmsign", *defines, "--addsign", *map(str, copies)],
        ["createrepo_c", "--quiet", "--update", str(root)],
        ["gpg", "--batch", "--yes", "--armor", "--detach-sign", str(root / "repodata" / "repomd.xml")],
        ["gpgconf", "--kill", "gpg-agent"],
    ]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, env=environment)


def build(folder: Path, count: int) -> List[Path]:
    """Build ``count`` packages of incompressible content with one rpmbuild."""
    parts = "".join(
        f"%package part{n}\nSummary: Part\n%description part{n}\nPart.\n%files part{n}\n/usr/share/many/{n}\n"
        for n in range(count)
    )
    spec = folder / "many.spec"
    folder.mkdir(parents=True)
    spec.write_text(
        "Name: many\nVersion: 1\nRelease: 1\nSummary: Many\nLicense: MIT\nBuildArch: noarch\n"
        f"%description\nMany.\n{parts}%install\nmkdir -p %{{buildroot}}/usr/share/many\n"
        f"for n in $(seq 0 {count - 1}); do\n"
        f"head -c {PAYLOAD_BYTES} /dev/urandom > %{{buildroot}}/usr/share/many/$n\ndone\n"
    )
    command = ["rpmbuild", "-bb", "--define", f"_topdir {folder}", str(spec)]
    subprocess.run(command, check=True, capture_output=True)
    return sorted((folder / "RPMS" / "noarch").glob("many-part*.rpm"))


if __name__ == "__main__":
    main()
