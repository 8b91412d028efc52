"""From a dictionary that passed the schema to frozen dataclasses."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import pathlib
import typing
from collections import abc
from typing import Any, Dict, Hashable, Mapping, Type, TypeVar

T = TypeVar("T")


def to_dataclass(cls: Type[T], data: Mapping[str, Any]) -> T:
    """Return ``cls`` filled from a dictionary whose keys are its field names; absent keys keep defaults."""
    hints = _hints(typing.cast(Hashable, cls))
    return cls(**{name: _to_type(hints[name], value) for name, value in data.items()})


@functools.cache
def _hints(cls: Hashable) -> Dict[str, Any]:
    return typing.get_type_hints(cls)


def _to_type(hint: Any, value: Any) -> Any:
    """Return a YAML value as the annotated type: a class, Optional, Tuple[X, ...] or Mapping[str, X]."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if value is None:
        return None
    if origin is typing.Union:
        return _to_type(inner[0], value)
    if origin is tuple:
        return tuple(_to_type(inner[0], item) for item in value)
    if origin is abc.Mapping:
        return {key: _to_type(inner[1], item) for key, item in value.items()}
    return _to_class(hint, value)


def _to_class(cls: Any, value: Any) -> Any:
    if cls is datetime.date:
        return datetime.date.fromisoformat(value)
    if dataclasses.is_dataclass(cls):
        return to_dataclass(typing.cast(Any, cls), value)
    return cls(value) if issubclass(cls, (enum.Enum, pathlib.PurePath)) else value


def to_plain(value: Any) -> Any:
    """Return dataclasses, enumerations, dates, paths and tuples as what JSON knows."""
    if dataclasses.is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, abc.Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, pathlib.PurePath):
        return str(value)
    return value.isoformat() if isinstance(value, datetime.date) else value
