"""What configuration files other than the dialplan use: features, queues, CLI files, manager, modules."""

from __future__ import annotations

import re
from typing import Callable, Dict, Iterator, Mapping

from switchroom.box.conf import Configuration, Entry
from switchroom.box.scan import dialplan, expression
from switchroom.box.scan.model import Use

_EVENT = re.compile(r"\bEvent:\s*(\w+)|\bname\(\s*(\w+)\s*\)")
LOADS = ("load", "preload", "require", "preload-require")


def uses(files: Mapping[str, Configuration]) -> Iterator[Use]:
    """Yield what the files (by their bare name) use; the dialplan's own is left to the dialplan's reader."""
    for name, configuration in files.items():
        if name == "extensions.conf":
            continue
        for entry in configuration.entries():
            yield from _anywhere(entry)
        yield from _READERS.get(name, _nothing)(configuration)


def _place(entry: Entry, in_call: bool = False) -> Use:
    return Use("", "", entry.file, entry.line, entry.section, dialplan=in_call)


def _anywhere(entry: Entry) -> Iterator[Use]:
    if entry.key.lower() in ("setvar", "set_var"):
        for left, right in expression.assignments(entry.value, several=False):
            yield from dialplan.assigned(left, right, _place(entry))
    yield from dialplan.values(entry.value, _place(entry))


def _features(configuration: Configuration) -> Iterator[Use]:
    for section in configuration.named("applicationmap"):
        for entry in section.entries:
            _, _, *call = (*expression.split(entry.value), "", "")
            name, arguments = call[0].strip(), ",".join(call[1:]).strip().strip('",')
            text = name if "(" in name or not arguments else f"{name}({arguments})"
            yield from dialplan.application(text, _place(entry, in_call=True))


def _queues(configuration: Configuration) -> Iterator[Use]:
    for entry in configuration.entries():
        if entry.key.lower() == "member":
            yield from dialplan.application(f"Dial({entry.value})", _place(entry, in_call=True))


def _startup(configuration: Configuration) -> Iterator[Use]:
    for section in configuration.named("startup_commands"):
        for entry in section.entries:
            yield dialplan.of_kind(_place(entry), "command", entry.key)


def _aliases(configuration: Configuration) -> Iterator[Use]:
    chosen = {entry.value for entry in configuration.entries() if entry.key.lower() == "template"}
    for entry in configuration.entries():
        if entry.section in chosen:
            yield dialplan.of_kind(_place(entry), "command", entry.value)


def _permissions(configuration: Configuration) -> Iterator[Use]:
    for entry in configuration.entries():
        if entry.key.lower() in ("permit", "deny") and entry.value.lower() != "all":
            yield dialplan.of_kind(_place(entry), "permission", entry.value)


def _manager(configuration: Configuration) -> Iterator[Use]:
    for entry in configuration.entries():
        if entry.key.lower().startswith("eventfilter"):
            for match in _EVENT.finditer(f"{entry.key}={entry.value}"):
                yield dialplan.of_kind(_place(entry), "event", match[1] or match[2])


def _modules(configuration: Configuration) -> Iterator[Use]:
    for section in configuration.named("modules"):
        for entry in section.entries:
            if entry.key.lower() in LOADS:
                name = entry.value.strip('"')
                yield dialplan.of_kind(
                    _place(entry), "module", name[:-3] if name.endswith(".so") else name, entry.key.lower()
                )


def _nothing(_configuration: Configuration) -> Iterator[Use]:
    return iter(())


_READERS: Dict[str, Callable[[Configuration], Iterator[Use]]] = {
    "features.conf": _features,
    "queues.conf": _queues,
    "cli.conf": _startup,
    "cli_aliases.conf": _aliases,
    "cli_permissions.conf": _permissions,
    "manager.conf": _manager,
    "modules.conf": _modules,
}
