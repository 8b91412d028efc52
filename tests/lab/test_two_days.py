"""The same build on another day, on another machine, gives the same bytes.

The other machine is a mount and a UTS namespace: its ``/etc`` preloads libfaketime into every program,
whatever the program's environment is, so that all read another clock. Zone, host name, umask and folders
differ too.
The engines are small ones: a real one takes minutes to compile.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, List

import pytest

from support import media, whole_build
from support.small_rpms import release_key
from switchroom.build import labmedia
from switchroom.build.keys import development_key
from switchroom.build.workspace import cache_dir
from switchroom.core.files import sha256

pytestmark = pytest.mark.lab(
    *("faketime", "unshare", "xorriso", "mcopy", "grub-mkimage", "dnf", "createrepo_c"),
    *("rpmbuild", "gcc", "shellcheck", "ldd"),
)
ROOT = Path(__file__).parents[2]
LATER = datetime.timedelta(days=40)
ZONE = "Pacific/Kiritimati"  # 14 hours ahead: nearly always another date
# What tells when something happened differs from day to day, and is for people.
CHRONICLE = ("index.html", "records.jsonl")
MACHINE = """
mount -t overlay overlay -o "lowerdir=$1:/etc" /etc
mount --bind "$2" "$3"
echo elsewhere >/proc/sys/kernel/hostname
umask 077
cd "$3"
shift 3
exec "$@"
"""


def other_machine(folder: Path) -> List[str]:
    """Return the words before a command that run it there, in a checkout of its own."""
    etc, checkout = folder / "etc", folder / "a" / "checkout"
    etc.mkdir(parents=True)
    checkout.mkdir(parents=True)
    (library,) = Path("/usr/lib").glob(f"*/faketime/{whole_build.LIBRARY}MT.so.1")
    (etc / "ld.so.preload").write_text(f"{library}\n")
    (etc / "faketimerc").write_text(f"+{LATER.days}d\n")
    (etc / "localtime").symlink_to(Path("/usr/share/zoneinfo", ZONE))
    unshare = ["unshare", "--mount", "--uts", "--fork", "--kill-child"]
    return [*unshare, "sh", "-euc", MACHINE, "sh", *map(str, (etc, ROOT, checkout))]


def build(out: Path, base: Path, key: Path, machine: List[str]) -> None:
    """Run a whole build in ``out``, with a cache of its own that has the signing keys and Debian's kernel."""
    kernel = labmedia.kernel_package(cache_dir("iso"))
    (out / "cache/iso").mkdir(parents=True)
    shutil.copyfile(kernel, out / "cache/iso" / kernel.name)
    shutil.copytree(development_key().gnupghome, out / "cache/keys/development")
    shutil.copytree(key, out / whole_build.RELEASE_KEY, ignore=shutil.ignore_patterns("S.*"))
    # The times of files, unlike the clock, stay as they are: their real dates differ between the builds.
    settings = {
        "SWITCHROOM_CACHE": str(out / "cache"),
        "PYTHONPATH": "src:tests:molecule",
        "NO_FAKE_STAT": "1",
    }
    words = [*machine, sys.executable, "-B", "-m", whole_build.__name__, str(out), str(base)]
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def published(out: Path) -> Dict[str, str]:
    """Return the digests of all files of the repository and images, and the modes of the images'."""
    images = {path.name: f"{sha256(path)} {path.stat().st_mode:o}" for path in out.glob("*.iso*")}
    files = [path for path in (out / "repo").rglob("*") if path.is_file() and path.name not in CHRONICLE]
    return {**images, **{str(path.relative_to(out)): sha256(path) for path in files}}


def seen(out: Path) -> Dict[str, object]:
    found: Dict[str, object] = json.loads((out / whole_build.SEEN).read_text())
    return found


def days(out: Path) -> List[datetime.datetime]:
    """Return the moments that the clock of the programs and that of Python showed."""
    record = json.loads((out / "repo/records.jsonl").read_text().splitlines()[0])
    hour = datetime.datetime.strptime(str(seen(out)["hour"]), "%Y-%m-%dT%H:%M:%S%z")
    return [hour, datetime.datetime.fromtimestamp(record["time"], datetime.timezone.utc)]


def test_another_day_on_another_machine_gives_the_same_bytes(tmp_path: Path) -> None:
    base = media.el_medium(tmp_path / "base", whole_build.MEDIUM)
    key = release_key(tmp_path / "key", "Release engineer")
    (key.gnupghome / "fingerprint").write_text(key.fingerprint)
    here, there = tmp_path / "here", tmp_path / "there" / "in" / "a" / "longer" / "path"
    with ThreadPoolExecutor() as pool:
        builds = [
            pool.submit(build, here, base, key.gnupghome, []),
            pool.submit(build, there, base, key.gnupghome, other_machine(tmp_path / "machine")),
        ]
        for each in builds:
            each.result()
    assert seen(there)["not_reached"] == [], "these programs have seen this day"
    for now, then in zip(days(here), days(there)):
        assert LATER - datetime.timedelta(hours=1) < then - now < LATER + datetime.timedelta(hours=1)
    assert str(seen(there)["hour"]).endswith("+1400")
    one, two = published(here), published(there)
    assert len(one) > 40
    assert one == two
