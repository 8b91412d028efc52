"""Phones and trunks that are left without a codec: what only a module of somebody else's can transcode."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterator, List, Tuple

from switchroom.box.conf import Configuration
from switchroom.box.scan import judge
from switchroom.box.scan.box import Box
from switchroom.box.scan.losses import Losses
from switchroom.box.scan.model import Finding, Severity, Use, key

_FILES = ("pjsip.conf", "sip.conf", "iax.conf")
_NO_DEVICE = ("general", "authentication")
_SEPARATORS = re.compile(r"[,|&]")


@dataclass(frozen=True)
class _Device:
    """A phone or trunk, where its codecs are set, and which they are."""

    name: str
    file: str
    line: int
    allowed: FrozenSet[str]


def only_codecs(box: Box, losses: Losses) -> Iterator[Finding]:
    """Yield a finding for each phone and trunk all of whose codecs lose their module.

    Such a device still talks to others of the same codec, and hears nothing of Asterisk itself: no voicemail,
    announcement, queue, conference or call with another codec.
    """
    lost = _lost(losses)
    for device in _devices(box) if lost else ():
        if device.allowed and device.allowed <= set(lost):
            yield _finding(box, losses, device, sorted({lost[codec] for codec in device.allowed}))


def _lost(losses: Losses) -> Dict[str, str]:
    """Return the codecs that no module of the target transcodes any more, with the module that did."""
    source, target = losses.source.inventory, losses.target.inventory
    if source is None or target is None or losses.same_series:
        return {}
    codecs = losses.removals.codec_modules
    still = {codec for module in target.modules for codec in codecs.get(module, ())}
    gone = sorted((source.modules - target.modules) & set(codecs))
    return {codec: module for module in gone for codec in codecs[module] if codec not in still}


def _devices(box: Box) -> Iterator[_Device]:
    for name in _FILES:
        yield from _of(box.file(name))


def _of(one: Configuration) -> Iterator[_Device]:
    """Yield the devices of a file, templates inherited; sip.conf and iax.conf have defaults in [general]."""
    allowed: Dict[str, List[str]] = {}
    places: Dict[str, Tuple[str, int]] = {}
    for section in one.sections:
        mine = allowed.setdefault(section.name, list(allowed.get("general", ())))
        for parent in section.parents:
            mine[:] = allowed.get(parent) or mine
        for entry in section.entries:
            if entry.key.lower() in ("allow", "disallow"):
                _apply(mine, entry.value, allow=entry.key.lower() == "allow")
                places[section.name] = (entry.file, entry.line)
        if not section.template and section.name.lower() not in _NO_DEVICE and mine:
            file, line = places.get(section.name, (section.file, section.line))
            yield _Device(section.name, file, line, frozenset(mine))


def _apply(codecs: List[str], value: str, *, allow: bool) -> None:
    """Apply a line as Asterisk does: ``!all,g729:20`` takes all away and adds one."""
    for word in (part.strip().lower() for part in _SEPARATORS.split(value)):
        name = word.lstrip("!").partition(":")[0]
        adds = allow != word.startswith("!")
        if name == "all":
            codecs[:] = ["all"] if adds else []
        elif adds and name and name not in codecs:
            codecs.append(name)
        elif not adds and name in codecs:
            codecs.remove(name)


def _finding(box: Box, losses: Losses, device: _Device, modules: List[str]) -> Finding:
    codecs = ", ".join(sorted(device.allowed))
    what = (
        f"'{device.name}' may use {codecs} alone, which '{', '.join(modules)}' transcodes now and"
        f" nothing does in Asterisk {losses.target.version}: it would hear no announcement, voicemail or"
        " other codec."
    )
    finding = Finding(
        key("codec", device.name, device.file),
        Severity.BLOCKING,
        "codec",
        device.name,
        what,
        replacement="Install the module for the target's series too, or allow a codec of Asterisk's own"
        " beside it, as ulaw or g722.",
    )
    return judge.at(box, Use("codec", device.name, device.file, device.line), finding)
