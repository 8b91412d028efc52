"""The repository's page for people: one static HTML file at its root, without scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List

import jinja2

from switchroom.build.repo import layout, records
from switchroom.build.repo.gate import day
from switchroom.build.repo.metadata import RepoPackage
from switchroom.build.repo.records import Record
from switchroom.build.repo.status import ChannelState, status
from switchroom.build.signatures import fingerprint
from switchroom.core.files import write_atomic

_TEMPLATE = Path(__file__).with_name("page.html.j2")
_LAST = 20
_MIB = 1 << 20


def write(root: Path) -> None:
    """Write the page of a repository as it stands now; readers see the old page or the new one."""
    write_atomic(root / layout.PAGE, render(root).encode())


def render(root: Path) -> str:
    """Return the page's HTML."""
    state = status(root)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        url=layout.repository_url(root),
        key=layout.PUBLIC_KEY,
        fingerprint=" ".join(_in_fours(fingerprint(layout.public_key(root)))),
        channels=[_channel(channel) for channel in reversed(state.channels) if channel.generation],
        ahead=state.ahead,
        policy=state.policy,
        history=[_event(each) for each in reversed(records.read(root)[-_LAST:])],
    )


def _channel(channel: ChannelState) -> Dict[str, object]:
    return {
        "name": f"{channel.name}, Enterprise Linux {channel.el}",
        "anchor": f"{channel.name}-el{channel.el}",
        "generation": channel.generation,
        "since": day(channel.since or 0.0),
        "place": f"{channel.place}/generations/{channel.generation}",
        "packages": [_package(package) for package in channel.packages],
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
    words: List[str] = [record.event, f"({len(record.packages)} packages)"]
    if record.event == records.TESTED:
        words = [f"'{detail['suite']}'", "passed" if detail["passed"] else "failed", words[1]]
    remark = detail.get("note") or detail.get("reason") or detail.get("forced") or ""
    return {"day": day(record.time), "channel": record.channel, "what": " ".join(words), "remark": remark}


def _in_fours(text: str) -> List[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]
