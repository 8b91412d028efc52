"""A small runtime in several versions: an ordinary one, two module streams, and one of another name."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence

from support.small_rpms import EPOCH, rpmbuild
from switchroom.build.keys import SigningKey

URL = "/srv/streams"
LOG = "/var/log/scriptlets"

_SPEC = """\
Name: {name}
Version: {version}
Release: 1.lab
Summary: Small runtime
License: MIT
BuildArch: noarch
{needs}
%description
Small runtime.
%post
if [ -e /run/slow ]; then touch /run/inside; sleep 60; fi
echo {name}-{version} >> {log}
%install
mkdir -p %{{buildroot}}/usr/share/small
echo {version} > %{{buildroot}}/usr/share/small/{part}
%files
/usr/share/small/{part}
"""
_MODULE = """\
---
document: modulemd
version: 2
data:
  name: php
  stream: "{stream}"
  version: 1
  context: "{context}"
  arch: x86_64
  summary: Small runtime
  description: Small runtime
  license: {{module: [MIT]}}
  artifacts:
    rpms: [{rpms}]
"""


@dataclass(frozen=True)
class Piece:
    """One package; its only file is named after the part."""

    name: str
    version: str
    needs: Sequence[str] = ()

    @property
    def spec(self) -> str:
        return _SPEC.format(
            name=self.name,
            version=self.version,
            part=self.name.rpartition("-")[2],
            needs="\n".join(self.needs),
            log=LOG,
        )

    @property
    def nevra(self) -> str:
        return f"{self.name}-0:{self.version}-1.lab.noarch"


def version(prefix: str, number: str, *more: str, head: Sequence[str] = ()) -> List[Piece]:
    """Return the packages of a version: common, cli, and more parts."""
    need = f"Requires: {prefix}-common = {number}"
    common = Piece(f"{prefix}-common", number, head)
    return [common, *(Piece(f"{prefix}-{part}", number, [need]) for part in ("cli", *more))]


ORDINARY = version("php", "8.0.30", "gone")
STREAMS = {
    "8.2": version("php", "8.2.29", "extra"),
    "8.4": version("php", "8.4.5", "extra"),
}
NAMED = version("php8.5", "8.5.1", head=["Conflicts: php-common", "Provides: php-common = 8.5.1"])
OUTSIDE = [
    Piece("site-any", "1", ["Requires: php-common"]),
    Piece("site-strict", "1", ["Requires: php-cli < 8.3"]),
]


def publish(root: Path, key: SigningKey) -> None:
    """Make the repository ``signed`` of them all, and ``unsigned`` with a stream 8.6."""
    pieces = [*ORDINARY, *(piece for pieces in STREAMS.values() for piece in pieces), *NAMED, *OUTSIDE]
    signed = _build(root / "signed", pieces)
    key.sign_rpms(signed, EPOCH)
    (root / "KEY").write_bytes(key.export_public())
    _describe(root / "signed", {**STREAMS})
    unsigned = version("php", "8.6.0")
    _build(root / "unsigned", unsigned)
    _describe(root / "unsigned", {"8.6": unsigned})


def repositories() -> str:
    """Return the .repo file of both; that of the unsigned one asks for no check, as files of others do."""
    return "".join(
        f"[{name}]\nname={name}\nbaseurl=file://{URL}/{name}\ngpgcheck={check}\ngpgkey=file://{URL}/KEY\n\n"
        for name, check in (("signed", 1), ("unsigned", 0))
    )


def _build(folder: Path, pieces: Sequence[Piece]) -> List[Path]:
    work = folder.parent / f"{folder.name}-work"
    work.mkdir(parents=True)
    specs = [work / f"{piece.name}-{piece.version}.spec" for piece in pieces]
    for spec, piece in zip(specs, pieces):
        spec.write_text(piece.spec)
    rpmbuild(work, specs)
    (work / "rpms/noarch").rename(folder)
    return sorted(folder.glob("*.rpm"))


def _describe(folder: Path, streams: dict[str, List[Piece]]) -> None:
    tools, modules = Path(sys.executable).parent, folder.parent / "modules.yaml"
    subprocess.run([tools / "createrepo_c", "--quiet", folder], check=True, capture_output=True)
    modules.write_text(
        "".join(
            _MODULE.format(
                stream=stream,
                context=f"{number:08x}",
                rpms=", ".join(piece.nevra for piece in pieces),
            )
            for number, (stream, pieces) in enumerate(streams.items())
        )
    )
    command = [tools / "modifyrepo_c", "--mdtype=modules", modules, folder / "repodata"]
    subprocess.run(command, check=True, capture_output=True)
