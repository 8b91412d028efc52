"""The installer image, timed beside what mkksiso does for the same bytes, in one run on one machine.

A made base of 1.2 GB, with a media checksum as publishers embed it, and 50 MB of new files become an image:
by the whole command ``build iso`` (packages resolved, kickstarts checked, boot menus, sums, SBOM, signatures,
all read back, flushed), and by mkksiso's steps (xorriso rebuilds the base with the new files, implantisomd5,
sha256sum). ``switchroom`` is given the base's SHA-256; ``switchroom_own_sum`` is not, and compares the base
with the media checksum it carries, which is a second MD5 of every byte. Peak memory is that of writing the
image, in a process of its own with xorriso, by size and by number of files; and of the whole command.

Run it as ``PYTHONPATH=src:tests python benchmarks/iso.py [ROUNDS]``; needs about 15 GB in the temporary
folder, and a few minutes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence

from support import media
from support.media import Medium
from support.small_rpms import Shop, release_key
from switchroom.build.iso import xorriso
from switchroom.build.iso.base import open_base
from switchroom.build.iso.lab_base import lab_base, write_base
from switchroom.build.workspace import cache_dir
from switchroom.core.files import sha256

GB = 1_000_000_000
BASE, MEMORY, MANY_FILES = 1_200_000_000, (GB // 10, GB, 4 * GB), 100_000
NEW_FILES, NEW_BYTES = 50, 1_000_000
ROUNDS = 3


class Spent(NamedTuple):
    """What some programs took: seconds, processor seconds, and the largest one's peak memory in MiB."""

    wall: float
    processor: float
    memory: int


class Bench(NamedTuple):
    """What is built from: a base and its sum, new files, a published repository."""

    base: Path
    sha256: str
    new: Path
    shop: Shop


def main() -> None:
    """Measure and print one JSON object; ratios are medians of those within each round."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else ROUNDS
    with tempfile.TemporaryDirectory(prefix="bench-iso-") as name:
        folder = Path(name)
        result = {"machine": machine(), "rounds": rounds, **compare(prepared(folder), folder, rounds)}
        result["peak_memory_mib_writing"] = memory(folder)
    json.dump(result, sys.stdout, indent=2)
    print()


def machine() -> Dict[str, object]:
    """Return the processor, and how fast it hashes in GB a second."""
    model = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line)
    data, speed = bytes(GB // 5), {}
    for name in ("md5", "sha256"):
        start = time.process_time()
        hashlib.new(name, data, usedforsecurity=False)
        speed[name] = round(len(data) / GB / (time.process_time() - start), 2)
    load = round(os.getloadavg()[0], 1)
    return {
        "processor": model.split(": ")[1],
        "cpus": os.cpu_count(),
        "load": load,
        "hash_gb_per_second": speed,
    }


def prepared(folder: Path) -> Bench:
    """Make the base, the new files and the repository."""
    new = folder / "new"
    new.mkdir()
    for number in range(NEW_FILES):
        fill(new / f"{number}.bin", NEW_BYTES)
    shop = Shop(folder / "root", release_key(folder / "key", "Release engineer"))
    media.fill(shop, folder / "packages", (media.S22,), release="1.el9")
    packages = media.el_medium(folder / "small", Medium())
    base = make_base(folder / "base", open_base(packages).path, BASE)
    subprocess.run(["implantisomd5", "--force", base], check=True, capture_output=True)
    return Bench(base, sha256(base), new, shop)


def compare(bench: Bench, folder: Path, rounds: int) -> Dict[str, object]:
    """Time all ways in turn, so that a busy moment hits each."""
    out = folder / "out"
    ways: Dict[str, Callable[[], List[List[object]]]] = {
        "switchroom": lambda: [[*ours(bench, out), "--base-sha256", bench.sha256]],
        "switchroom_own_sum": lambda: [ours(bench, out)],
        "mkksiso_steps": lambda: by_hand(bench, out / "image.iso"),
    }
    spent: Dict[str, List[Spent]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            out.mkdir()
            os.sync()
            spent[name].append(timed(way()))
            shutil.rmtree(out)
    return {name: summary(spent[name], spent["mkksiso_steps"]) for name in ways}


def summary(one: Sequence[Spent], other: Sequence[Spent]) -> Dict[str, object]:
    """Return one way's figures, and the ratios to the other."""
    return {
        "seconds": [round(each.wall, 2) for each in one],
        "processor_seconds": [round(each.processor, 2) for each in one],
        "peak_memory_mib": max(each.memory for each in one),
        "seconds_ratio": round(statistics.median(a.wall / b.wall for a, b in zip(one, other)), 2),
        "processor_ratio": round(statistics.median(a.processor / b.processor for a, b in zip(one, other)), 2),
    }


def timed(commands: Sequence[Sequence[object]]) -> Spent:
    """Run programs one after the other; what they started is counted with them."""
    start, processor, memory = time.monotonic(), 0.0, 0
    for words in commands:
        with subprocess.Popen(
            list(map(str, words)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as one:
            assert one.stderr  # noqa: S101 - a pipe
            said = one.stderr.read()
            _, status, used = os.wait4(one.pid, 0)
            one.returncode = os.waitstatus_to_exitcode(status)
        if one.returncode:
            sys.exit(said.decode())
        processor, memory = processor + used.ru_utime + used.ru_stime, max(memory, used.ru_maxrss >> 10)
    return Spent(time.monotonic() - start, processor, memory)


def ours(bench: Bench, out: Path) -> List[object]:
    """Return the command line of this project."""
    words = [sys.executable, "-m", "switchroom", "build", "iso", "--base", bench.base, "--series", "22"]
    words += ["--repo-root", bench.shop.root, "--channel", "testing", "--key", bench.shop.key.fingerprint]
    words += ["--gnupghome", bench.shop.key.gnupghome, "--add-file", f"{bench.new}=/new"]
    return [*words, "--out", out / "image.iso"]


def by_hand(bench: Bench, image: Path) -> List[List[object]]:
    """Return the command lines of what mkksiso does: rebuild, embed the media checksum; and the sum."""
    rebuild = ["xorriso", "-no_rc", "-indev", f"stdio:{bench.base}", "-outdev", f"stdio:{image}"]
    changed = ["-boot_image", "any", "replay", "-map", bench.new, "/new", "-end"]
    return [[*rebuild, *changed], ["implantisomd5", "--force", image], ["sha256sum", image]]


def memory(folder: Path) -> Dict[str, int]:
    """Return the peak memory of writing an image, its tools included."""
    lab, found = lab_base(cache_dir("iso"), "9"), {}
    for name, size, files in [
        *((f"{size / GB:g} GB", size, 0) for size in MEMORY),
        (f"{MANY_FILES} files", GB // 10, MANY_FILES),
    ]:
        base = make_base(folder / "memory", lab, size, files)
        words = [
            sys.executable,
            Path(__file__).with_name("iso_write.py"),
            base,
            folder / "new",
            folder / "out",
        ]
        found[name] = timed([words]).memory
        shutil.rmtree(folder / "memory")
        shutil.rmtree(folder / "out")
    return found


def make_base(folder: Path, model: Path, size: int, files: int = 0) -> Path:
    """Write a medium like ``model`` of about ``size`` bytes, in files of at most 200 MB, and tiny ones."""
    medium, tree = open_base(model), folder / "tree"
    xorriso.extract(model, {name: tree / name for name in medium.files if name != "isolinux/boot.cat"})
    (tree / "filler").mkdir()
    rest = max(size - medium.volume.size, 0)
    for number in range(-(-rest // (GB // 5))):
        fill(tree / "filler" / f"{number}.bin", min(GB // 5, rest - number * (GB // 5)))
    for number in range(files):
        place = tree / "many" / f"{number // 1000:03}" / f"some-package-{number:06}-1.0-1.el9.x86_64.rpm"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"x")
    write_base(tree, folder / "base.iso", "BENCH BASE")
    shutil.rmtree(tree)
    return folder / "base.iso"


def fill(path: Path, size: int) -> None:
    """Write a file of incompressible bytes."""
    block = os.urandom(1 << 20)
    with path.open("wb") as stream:
        for start in range(0, size, len(block)):
            stream.write(block[: size - start])


if __name__ == "__main__":
    main()
