"""The installer image, timed against two plain ways to the same bytes, in one run on one machine.

A made base of 1 GB and 50 MB of new files become an image with all its sums. (a) is a plain copy of the base
followed by the same sums one after the other; (b) is what is done by hand: xorriso rebuilds the base with the
new files, then implantisomd5 and sha256sum. Neither makes sums of chunks, replaces a menu in an EFI system
partition, or reads its result back. Peak memory is measured for bases of 0.1 to 4 GB.

Run it as ``PYTHONPATH=src python benchmarks/iso.py [ROUNDS]``; needs about 15 GB in the temporary folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, List, Tuple

from switchroom.build.iso import remaster, xorriso
from switchroom.build.iso.base import open_base
from switchroom.build.iso.graft import Changes
from switchroom.build.iso.lab_base import lab_base, write_base
from switchroom.build.iso.mediasum import MediaSum
from switchroom.build.iso.stream import ChunkSums, chunks
from switchroom.build.workspace import cache_dir
from switchroom.core.files import sha256
from switchroom.core.progress import Reporter

EPOCH = 1_700_000_000
GB = 1_000_000_000
BASE, MEMORY = 1 * GB, (GB // 10, GB, 4 * GB)
NEW_FILES, NEW_BYTES = 50, 1_000_000
ROUNDS = 3


def main() -> None:
    """Measure and print one JSON object: seconds, ratios within each round (median), peak memory in MiB.

    On a busy machine the wall clock says more about the machine; processor seconds do not show what runs in
    parallel.
    """
    if sys.argv[1:2] == ["--ours"]:
        ours(Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
        used = max(
            resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        print(used // 1024)
        return
    rounds = int(sys.argv[1]) if sys.argv[1:] else ROUNDS
    with tempfile.TemporaryDirectory(prefix="bench-iso-") as name:
        folder = Path(name)
        new = new_files(folder / "new")
        result = {
            "cpus": os.cpu_count(),
            "rounds": rounds,
            **compare(make_base(folder, BASE), new, folder, rounds),
            "peak_memory_mib": {f"{size / GB:g} GB": memory(folder, size, new) for size in MEMORY},
        }
    json.dump(result, sys.stdout, indent=2)
    print()


def compare(base: Path, new: Path, folder: Path, rounds: int) -> Dict[str, object]:
    """Time all ways in turn, so that a busy moment hits each."""
    ways: Dict[str, Callable[[Path, Path, Path], None]] = {
        "switchroom": ours,
        "copy_and_sums": copy_and_sums,
        "by_hand": by_hand,
    }
    measured: Dict[str, List[Tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            measured[name].append(timed(way, base, new, folder / "out"))
    base.unlink()
    result: Dict[str, object] = {"load_average": os.getloadavg()[0]}
    for number, what in enumerate(("seconds", "processor_seconds")):
        times = {name: [round(pair[number], 2) for pair in pairs] for name, pairs in measured.items()}
        result[what] = times
        for name in ("copy_and_sums", "by_hand"):
            each = [one / other for one, other in zip(times["switchroom"], times[name])]
            result[f"{what}_ratio_to_{name}"] = round(statistics.median(each), 2)
    return result


def timed(way: Callable[[Path, Path, Path], None], base: Path, new: Path, out: Path) -> Tuple[float, float]:
    """Return one way's seconds, and its processor seconds with those of its tools; nothing of it stays."""
    out.mkdir()
    os.sync()
    start, used = time.monotonic(), sum(os.times()[:4])
    way(base, new, out)
    spent = time.monotonic() - start, sum(os.times()[:4]) - used
    shutil.rmtree(out)
    return spent


def ours(path: Path, new: Path, out: Path) -> None:
    """Make the image with this project."""
    out.mkdir(exist_ok=True)
    base = open_base(path)
    (out / "grub.cfg").write_text("configfile ($root)/EFI/BOOT/grub.cfg\n")
    (out / "esp").mkdir()
    parts = remaster.prepare(base, out / "grub.cfg", EPOCH, out / "esp")
    changes = Changes("BENCH", {"switchroom/repo": new}, EPOCH)
    remaster.remaster(base, changes, parts, out / "image.iso", Reporter(quiet=True))


def copy_and_sums(base: Path, _new: Path, out: Path) -> None:
    """Copy the base and compute the same sums, one after the other."""
    image = out / "image.iso"
    sha256(base)
    shutil.copyfile(base, image)
    for consumer in (MediaSum(image.stat().st_size).update, ChunkSums().update, hashlib.sha256().update):
        for data in chunks(image):
            consumer(data)


def by_hand(base: Path, new: Path, out: Path) -> None:
    """Rebuild with xorriso, embed the media checksum, and make the image's."""
    image = out / "image.iso"
    rebuild = [
        "xorriso",
        "-no_rc",
        "-indev",
        f"stdio:{base}",
        "-outdev",
        f"stdio:{image}",
        "-boot_image",
        "any",
        "replay",
    ]
    for command in (
        [*rebuild, "-map", new, "/switchroom/repo", "-end"],
        ["implantisomd5", "--force", image],
        ["sha256sum", image],
    ):
        subprocess.run(list(map(str, command)), check=True, capture_output=True)


def memory(folder: Path, size: int, new: Path) -> int:
    """Return the peak memory in MiB of one build in a process of its own, its tools included."""
    base = make_base(folder, size)
    command = [sys.executable, __file__, "--ours", base, new, folder / "out"]
    done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    shutil.rmtree(folder / "out")
    base.unlink()
    return int(done.stdout)


def make_base(folder: Path, size: int) -> Path:
    """Write a medium of the EL9 layout with about ``size`` bytes, in files of at most 200 MB."""
    lab = open_base(lab_base(cache_dir("iso"), "9"))
    tree = folder / "tree"
    xorriso.extract(lab.path, {name: tree / name for name in lab.files})
    rest = size - lab.volume.size
    for number in range(-(-rest // (GB // 5))):
        part = tree / "Packages" / f"{number}.bin"
        part.parent.mkdir(exist_ok=True)
        fill(part, min(GB // 5, rest - number * (GB // 5)))
    write_base(tree, folder / "base.iso", "BENCH BASE")
    shutil.rmtree(tree)
    return folder / "base.iso"


def new_files(folder: Path) -> Path:
    """Write the files that are added."""
    folder.mkdir()
    for number in range(NEW_FILES):
        fill(folder / f"{number}.rpm", NEW_BYTES)
    return folder


def fill(path: Path, size: int) -> None:
    """Write a file of incompressible bytes."""
    block = os.urandom(1 << 20)
    with path.open("wb") as stream:
        for start in range(0, size, len(block)):
            stream.write(block[: size - start])


if __name__ == "__main__":
    main()
