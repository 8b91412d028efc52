"""The boot menu as data: one file, expanded for the Asterisk series of a medium, for each boot loader."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import jsonschema
import yaml

from switchroom.build.iso.labels import kernel_label
from switchroom.build.kickstart.settings import default_of
from switchroom.build.workspace import data_path
from switchroom.catalog.model import Series, SeriesType
from switchroom.core.errors import ExitCode, SwitchroomError

MAX_LABEL = 64  # characters; both loaders' menu boxes are this wide
MAX_HELP_LINES = 3
_INSTALL = "{install}"  # in a tool's arguments: those of the default installation


@dataclass(frozen=True)
class Entry:
    """Something to start; ``arguments`` go to the kernel, None leaves the medium for the disk."""

    id: str
    label: str
    help: Tuple[str, ...]
    arguments: Optional[Tuple[str, ...]]


@dataclass(frozen=True)
class Submenu:
    """Entries behind one line of the menu."""

    id: str
    label: str
    help: Tuple[str, ...]
    entries: Tuple[Entry, ...]


Item = Union[Entry, Submenu]


@dataclass(frozen=True)
class Menu:
    """A menu ready to be written for a boot loader; ``default`` is an entry's id, ``timeout`` in seconds."""

    title: str
    subtitle: str
    volume_id: str
    timeout: int
    default: str
    items: Tuple[Item, ...]

    @property
    def heading(self) -> str:
        """The line above the entries."""
        return f"{self.title} - {self.subtitle}"

    def entries(self) -> Iterator[Entry]:
        """Yield all entries, those of submenus included."""
        for item in self.items:
            yield from item.entries if isinstance(item, Submenu) else (item,)


def load_data(path: Optional[Path] = None) -> Dict[str, Any]:
    """Read and check the menu's data file (default: the one shipped).

    Raises SwitchroomError when it breaks the schema, names an unknown mode or console, or when its default
    entry would erase a disk: that must never start by a timeout.
    """
    path = path or data_path("kickstart") / "menu.yml"
    schema = json.loads((data_path("kickstart") / "menu.schema.json").read_text())
    data: Dict[str, Any] = yaml.safe_load(path.read_text())
    try:
        jsonschema.validate(data, schema)
    except jsonschema.ValidationError as error:
        raise _bad(path, f"{error.message} (at '{'/'.join(map(str, error.path))}')") from error
    for choice in (data["default"], *(item["install"] for item in _flat(data["menu"]) if "install" in item)):
        if choice["mode"] not in data["modes"] or choice["console"] not in data["consoles"]:
            raise _bad(path, f"unknown mode or console in {choice}")
    if data["modes"][data["default"]["mode"]]["erases"]:
        raise _bad(
            path, f"the default mode '{data['default']['mode']}' erases a disk; a timeout would start it"
        )
    return data


def ordered(series: Sequence[Series]) -> Tuple[Series, ...]:
    """Return series in the order of the menu: the default one, then newest first, lab fixtures last."""

    def newest(one: Series) -> Tuple[bool, bool, List[int]]:
        number = [int(part) for part in one.key.rpartition("-")[2].split(".")]
        return (one.type is not SeriesType.FIXTURE, one.type is not SeriesType.CERTIFIED, number)

    default = default_of(series)
    return tuple(sorted(series, key=lambda one: (one.key == default, newest(one)), reverse=True))


def build_menu(
    data: Mapping[str, Any], series: Sequence[Series], volume_id: str, subtitle: str, base: str
) -> Menu:
    """Expand the data for these series.

    ``subtitle`` is ``lab``, ``offline`` or ``network``; ``base`` names the base's release.
    """
    maker = _Maker(data, ordered(series), kernel_label(volume_id))
    items = tuple(item for source in data["menu"] for item in maker.items(source))
    menu = Menu(
        title=data["title"],
        subtitle=data["subtitle"][subtitle].format(base=base),
        volume_id=volume_id,
        timeout=data["timeout"],
        default=maker.install_id(data["default"], maker.series[0]),
        items=items,
    )
    _check(menu)
    return menu


class _Maker:
    """Expands the items of the data file."""

    def __init__(self, data: Mapping[str, Any], series: Tuple[Series, ...], label: str) -> None:
        self.series = series
        self._data = data
        self._label = label

    def items(self, source: Mapping[str, Any]) -> Iterator[Item]:
        if "submenu" not in source:
            yield from self._entries(source)
            return
        entries = tuple(entry for child in source["entries"] for entry in self._entries(child))
        yield Submenu(source["submenu"], source["label"], _lines(source["help"]), entries)

    def install_id(self, choice: Mapping[str, str], series: Series) -> str:
        return f"{choice['mode']}-{series.key}-{choice['console']}"

    def _entries(self, source: Mapping[str, Any]) -> Iterator[Entry]:
        if "tool" in source:
            yield self._tool(source)
            return
        choice = source["install"]
        for series in self.series:
            label = source["label"].format(asterisk=series.label)
            arguments = (*self._always(), *self._install(choice, series), *self._console(choice))
            yield Entry(self.install_id(choice, series), label, _lines(source["help"]), arguments)

    def _tool(self, source: Mapping[str, Any]) -> Entry:
        label = source["label"].format(asterisk=self.series[0].label)
        arguments: Optional[Tuple[str, ...]] = None
        if "arguments" in source:
            install = self._install(self._data["default"], self.series[0])
            words = [install if word == _INSTALL else (word,) for word in source["arguments"]]
            arguments = (*self._always(), *(word for group in words for word in group))
        return Entry(source["tool"], label, _lines(source["help"]), arguments)

    def _always(self) -> List[str]:
        return [word.format(label=self._label) for word in self._data["arguments"]["always"]]

    def _install(self, choice: Mapping[str, str], series: Series) -> Tuple[str, ...]:
        kickstart = self._data["modes"][choice["mode"]]["kickstart"]
        words = self._data["arguments"]["install"]
        return tuple(w.format(label=self._label, kickstart=kickstart, series=series.key) for w in words)

    def _console(self, choice: Mapping[str, str]) -> List[str]:
        return list(self._data["consoles"][choice["console"]]["arguments"])


def _lines(text: str) -> Tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


def _flat(items: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for item in items:
        yield from item.get("entries", [item])


def _check(menu: Menu) -> None:
    lines = [menu.heading]
    for item in (*menu.items, *menu.entries()):
        lines += [item.label, *item.help]
        if len(item.help) > MAX_HELP_LINES:
            raise _bad(Path("menu.yml"), f"the help of '{item.label}' has more than {MAX_HELP_LINES} lines")
    long = [line for line in lines if len(line) > MAX_LABEL]
    if long:
        raise _bad(Path("menu.yml"), f"'{long[0]}' has more than {MAX_LABEL} characters and would not fit")
    if menu.default not in {entry.id for entry in menu.entries()}:
        raise _bad(Path("menu.yml"), f"the default entry '{menu.default}' is not in the menu")


def _bad(path: Path, why: str) -> SwitchroomError:
    return SwitchroomError(f"The boot menu '{path}' is not valid: {why}.", code=ExitCode.USAGE)
