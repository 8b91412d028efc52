"""Small packages built on the spot, and the fixtures of the repository tests."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import pytest

from switchroom.build import repo
from switchroom.build.keys import SigningKey, open_key
from switchroom.build.repo.publish import Published
from switchroom.core.progress import Reporter

EPOCH = 1_700_000_000
# What a channel's folder holds once something was published to it.
ENTRIES = ["current", "generations", "mirrorlist", "mirrorlist-debuginfo"]
QUIET = Reporter(quiet=True)


@dataclass(frozen=True)
class Small:
    """What a small package is made of."""

    name: str
    version: str = "1.0"
    release: str = "1.lab"
    requires: Sequence[str] = ()
    content: str = "hello"

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}-{self.release}.noarch.rpm"

    def spec(self) -> str:
        needs = "".join(f"Requires: {need}\n" for need in self.requires)
        return f"""Name: {self.name}
Version: {self.version}
Release: {self.release}
Summary: Small package
License: MIT
BuildArch: noarch
{needs}%description
Small package.
%install
mkdir -p %{{buildroot}}/usr/share/{self.name}
echo '{self.content}' > %{{buildroot}}/usr/share/{self.name}/content
%files
/usr/share/{self.name}
%changelog
* Tue Nov 14 2023 Tester <tester@example.com> - {self.version}-{self.release}
- Made on the spot
"""


def build(folder: Path, *packages: Small) -> List[Path]:
    """Build packages and return their files, in the order given."""
    folder.mkdir(parents=True, exist_ok=True)
    specs = [folder / f"{number}-{package.name}.spec" for number, package in enumerate(packages)]
    for spec, package in zip(specs, packages):
        spec.write_text(package.spec())
    rpmbuild(folder, specs)
    return [folder / "rpms" / "noarch" / package.file_name for package in packages]


def build_many(folder: Path, count: int) -> List[Path]:
    """Build ``count`` packages in one go, as subpackages, and return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = "".join(
        f"%package part{number}\nSummary: Part\n%description part{number}\nPart.\n%files part{number}\n"
        for number in range(count)
    )
    spec = folder / "many.spec"
    spec.write_text(Small("many").spec().replace("%install", parts + "%install", 1))
    rpmbuild(folder, [spec])
    return sorted((folder / "rpms" / "noarch").glob("many-part*.rpm"))


def build_with_debug(folder: Path, package: Small) -> List[Path]:
    """Build a package with what rpmbuild makes for debuggers beside it, named so; return their files."""
    kinds = ("debuginfo", "debugsource")
    parts = "".join(
        f"%package {kind}\nSummary: {kind}\n%description {kind}\n{kind}.\n%files {kind}\n" for kind in kinds
    )
    folder.mkdir(parents=True, exist_ok=True)
    spec = folder / f"{package.name}.spec"
    spec.write_text(package.spec().replace("%install", parts + "%install", 1))
    rpmbuild(folder, [spec])
    return sorted((folder / "rpms" / "noarch").glob("*.rpm"))


def rpmbuild(folder: Path, specs: Sequence[Path]) -> None:
    defines = {
        "_topdir": folder,
        "_rpmdir": folder / "rpms",
        "use_source_date_epoch_as_buildtime": 1,
        "clamp_mtime_to_source_date_epoch": 1,
        "_buildhost": "localhost",
    }
    words = [word for name, value in defines.items() for word in ("--define", f"{name} {value}")]
    environment = {"SOURCE_DATE_EPOCH": str(EPOCH), "PATH": "/usr/bin:/bin:/usr/sbin"}
    subprocess.run(["rpmbuild", "-bb", *words, *specs], check=True, capture_output=True, env=environment)


@dataclass(frozen=True)
class Shop:
    """A repository root with its key, and shorthand for what the tests do to it."""

    root: Path
    key: SigningKey

    def publish(self, *inputs: Path, epoch: int = EPOCH, **options: object) -> Published:
        return repo.publish(self.root, inputs, key=self.key, epoch=epoch, reporter=QUIET, **options)

    def promote(self, *names: str, **options: object) -> Published:
        return repo.promote(self.root, names or None, key=self.key, epoch=EPOCH, reporter=QUIET, **options)

    def record(self, suite: str, names: Optional[Sequence[str]], **options: object) -> Tuple[str, ...]:
        return repo.record(self.root, suite, names, key=self.key, **options)

    def current(self, channel: str = "testing") -> Path:
        found = repo.open_repo(self.root, channel).current
        assert found
        return found

    def nevras(self, channel: str = "testing") -> List[str]:
        return [package.nevra for package in repo.open_repo(self.root, channel).packages()]


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    """The repository's key."""
    return release_key(tmp_path_factory.mktemp("key") / "home", "Release engineer")


@pytest.fixture(scope="session")
def foreign_key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    """Somebody else's key."""
    return release_key(tmp_path_factory.mktemp("foreign") / "home", "Somebody else")


def release_key(home: Path, owner: str) -> SigningKey:
    """Make a key in the new folder ``home`` as a release engineer has one, but for the passphrase."""
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch"]
    made = ["--cert-digest-algo", "SHA512", "--passphrase", "", "--faked-system-time", "1600000000!"]
    make = [*gpg, *made, "--quick-generate-key", owner, "rsa2048", "sign", "never"]
    subprocess.run(make, check=True, capture_output=True)
    listing = subprocess.run(
        [*gpg, "--with-colons", "--list-keys"], check=True, capture_output=True, text=True
    )
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=True)
    fingerprint = next(line.split(":")[9] for line in listing.stdout.splitlines() if line.startswith("fpr:"))
    return open_key(fingerprint, home)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three packages: engine, meta (needs engine = 1.0) and tool (needs a base package)."""
    folder = tmp_path_factory.mktemp("small")
    build(
        folder,
        Small("engine"),
        Small("meta", requires=["engine = 1.0"]),
        Small("tool", requires=["base-thing >= 2", "(engine if meta)"]),
    )
    return folder / "rpms" / "noarch"


@pytest.fixture
def shop(tmp_path: Path, key: SigningKey) -> Shop:
    """An empty repository root."""
    return Shop(tmp_path / "root", key)
