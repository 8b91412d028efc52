"""The repository's page for people: one static HTML file at its root, without scripts, and signed.

Its signature stands in a comment at its end and is about all bytes before that comment, so that one rename
puts both in force.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Dict, List

import jinja2

from switchroom.build.keys import SigningKey
from switchroom.build.publickeys import read_keys
from switchroom.build.repo import layout, records
from switchroom.build.repo.gate import day
from switchroom.build.repo.metadata import RepoPackage
from switchroom.build.repo.records import Chronicle, Record
from switchroom.build.repo.status import ChannelState, status_by
from switchroom.build.signatures import UntrustedError, Verifier
from switchroom.core.files import write_atomic

_TEMPLATE = Path(__file__).with_name("page.html.j2")
_LAST = 20
_MIB = 1 << 20
_BEFORE, _AFTER = b"<!--\n", b"-->\n"


def write(root: Path, chronicle: Chronicle, key: SigningKey) -> None:
    """Write the page of a repository as it stands now; readers see the old page or the new one."""
    body = render(root, chronicle).encode()
    signature = key.signature(body, int(time.time()))
    write_atomic(root / layout.PAGE, body + _BEFORE + signature + _AFTER)


def check(root: Path, trusted: Verifier) -> None:
    """Raise UntrustedError unless a repository's page is there, and signed by a key that counts."""
    path = root / layout.PAGE
    body, mark, rest = (path.read_bytes() if path.is_file() else b"").rpartition(_BEFORE)
    if not mark or not rest.endswith(_AFTER):
        raise UntrustedError(f"'{path}' is not there, or not signed; the next publish writes it anew.")
    trusted.check_bytes(body, rest.removesuffix(_AFTER), f"'{path}'")


def render(root: Path, chronicle: Chronicle) -> str:
    """Return the page's HTML."""
    state = status_by(root, chronicle)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        url=layout.repository_url(root),
        key=layout.PUBLIC_KEY,
        fingerprints=[" ".join(_in_fours(name)) for name in read_keys(layout.public_key(root)).fingerprints],
        channels=[_channel(channel) for channel in reversed(state.channels) if channel.generation],
        ahead=state.ahead,
        policy=state.policy,
        history=[_event(each) for each in reversed(chronicle.known[-_LAST:])],
    )


def _channel(channel: ChannelState) -> Dict[str, object]:
    return {
        "name": f"{channel.name}, Enterprise Linux {channel.el}",
        "anchor": f"{channel.name}-el{channel.el}",
        "generation": channel.generation,
        "since": day(channel.since or 0.0),
        "place": f"{channel.place}/generations/{channel.generation}",
        "packages": [_package(package) for package in channel.packages],
        "debug": len(channel.debug),
    }


def _package(package: RepoPackage) -> Dict[str, object]:
    return {
        "name": package.name,
        "version": f"{package.record.version}-{package.record.release}",
        "arch": package.record.arch,
        "file": package.file_name,
        "size": f"{package.record.size_package / _MIB:.1f} MiB",
        "summary": package.record.summary,
    }


def _event(record: Record) -> Dict[str, object]:
    detail = dict(record.detail)
    words: List[str] = [record.event]
    if record.event == records.TESTED:
        words = [f"'{detail['suite']}'", "passed" if detail["passed"] else "failed"]
    if record.packages:
        words.append(f"({len(record.packages)} packages)")
    if not record.signature:
        words.append("(not signed)")
    remark = detail.get("note") or detail.get("reason") or detail.get("forced") or ""
    return {"day": day(record.time), "channel": record.channel, "what": " ".join(words), "remark": remark}


def _in_fours(text: str) -> List[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]
