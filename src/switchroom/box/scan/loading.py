"""Modules that modules.conf wants, and configuration files that nobody reads any more."""

from __future__ import annotations

from typing import Iterator, List

from switchroom.box.conf import Configuration, Entry
from switchroom.box.scan import freepbx, judge
from switchroom.box.scan.box import Box
from switchroom.box.scan.losses import Loss, Losses
from switchroom.box.scan.model import Finding, Severity, Use, key
from switchroom.catalog.removals import Removal

_NO_DEVICE = ("general", "authentication", "globals", "default")


def modules(box: Box, losses: Losses) -> Iterator[Finding]:
    """Yield a finding for each module that is loaded by name and that the target lacks."""
    for use in box.uses:
        if use.kind == "module":
            required = "require" in use.arguments[0]
            loss = losses.lacks_module(use.name) if required else losses.find("module", use.name)
            if loss:
                yield _module(box, losses, use, loss, required)


def _module(box: Box, losses: Losses, use: Use, loss: Loss, required: bool) -> Finding:
    what = f"{use.arguments[0]} => {use.name}.so: Asterisk {losses.target.version} lacks it: {loss.reason}."
    devices = _devices_of(box, losses, use.name)
    if required:
        what += " Asterisk does not start without it."
    elif devices:
        what += f" It carries {len(devices)} devices or registrations."
    grave = Severity.BLOCKING if required or devices else Severity.WARNING
    finding = Finding(
        key("module", use.name, use.file),
        grave,
        "module",
        use.name,
        what,
        replacement=loss.replacement,
        note=loss.note,
    )
    return judge.at(box, use, finding)


def files(box: Box, losses: Losses) -> Iterator[Finding]:
    """Yield a finding for each configuration file with entries that the target does not read."""
    for name, removal in losses.removed("file").items():
        configuration = box.files.get(name)
        entries = list(configuration.entries()) if configuration else []
        if configuration and entries and _read_now(losses, removal):
            yield _file(box, losses, configuration, entries[0], removal)


def _read_now(losses: Losses, removal: Removal) -> bool:
    """Return whether the source's engine reads a file, as far as its modules are known."""
    inventory = losses.source.inventory
    return not removal.module or inventory is None or inventory.has("module", removal.module)


def _file(box: Box, losses: Losses, one: Configuration, first: Entry, removal: Removal) -> Finding:
    devices = _devices(one) if removal.devices and box.loads(removal.module) is not False else []
    what = f"Asterisk reads '{removal.name}' no more since {removal.removed_in}."
    if devices:
        what += f" It holds {len(devices)} devices or registrations, which end."
    elif removal.deprecated_in:
        what += f" It is deprecated since {removal.deprecated_in}."
    place = devices[0] if devices else first
    finding = Finding(
        key("file", removal.name, one.path),
        Severity.BLOCKING if devices else Severity.WARNING,
        "file",
        removal.name,
        what,
        replacement=_advice(box, losses, removal),
    )
    return judge.at(box, Use("file", removal.name, place.file, place.line), finding)


def _advice(box: Box, losses: Losses, removal: Removal) -> str:
    if removal.module == "chan_sip" and freepbx.present(box):
        return freepbx.CONVERT
    module = losses.removal("module", removal.module) if removal.module else None
    return removal.replacement or (module.replacement if module else "")


def _devices_of(box: Box, losses: Losses, module: str) -> List[Entry]:
    names = [name for name, one in losses.removed("file").items() if one.module == module and one.devices]
    return [device for name in names if name in box.files for device in _devices(box.files[name])]


def _devices(configuration: Configuration) -> List[Entry]:
    """Return the first entry of each section that is a phone or trunk, and each registration."""
    found: List[Entry] = []
    for section in configuration.sections:
        device = not section.template and section.name.lower() not in _NO_DEVICE
        found += section.entries[:1] if device else []
        found += [entry for entry in section.entries if entry.key.lower() == "register"]
    return found
