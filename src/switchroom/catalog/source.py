"""Reading catalog files: which file to use, YAML with line numbers, overlays merged on top."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Hashable, List, Optional, Sequence, Tuple

import yaml

from switchroom.core.errors import ExitCode, SwitchroomError, reading

try:  # libyaml reads the catalog twelve times faster
    from yaml import CSafeLoader as _SafeLoader
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

SHIPPED = Path("/usr/share/switchroom/catalog.yml")
PACKAGED = Path(__file__).resolve().parent / "data" / "catalog.yml"


@dataclass(frozen=True)
class Document:
    """One catalog or overlay file as read."""

    path: Path
    data: Dict[str, Any]


def catalog_path(path: Optional[Path] = None) -> Path:
    """Return the catalog to read: ``path``, $SWITCHROOM_CATALOG, the RPM's file, or the packaged one."""
    if path is not None:
        return path
    named = os.environ.get("SWITCHROOM_CATALOG")
    if named:
        return Path(named)
    return SHIPPED if SHIPPED.is_file() else PACKAGED


def read_documents(path: Optional[Path], overlays: Sequence[Path]) -> Tuple[Document, ...]:
    """Read the catalog and its overlays in the order in which they are merged."""
    return tuple(read_document(file) for file in (catalog_path(path), *overlays))


def read_document(path: Path) -> Document:
    """Read one YAML file; raises a usage error that names the file and, for bad YAML, the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SwitchroomError(
            f"The file '{path}' cannot be read.",
            cause=getattr(error, "strerror", None) or str(error),
            hint="Check the path and its permissions.",
            code=ExitCode.USAGE,
        ) from error
    data = _parse(path, text)
    if not isinstance(data, dict):
        raise SwitchroomError(
            f"The file '{path}' is not a mapping of keys to values.",
            hint="Start from the packaged catalog, or see docs/catalog.md for an overlay's form.",
            code=ExitCode.USAGE,
        )
    return Document(path, data)


def merge(documents: Sequence[Document]) -> Dict[str, Any]:
    """Merge mappings key by key, the later file winning; lists and scalars are replaced whole."""
    merged: Dict[str, Any] = {}
    for document in documents:
        merged = _merged(merged, document.data)
    return merged


def origin(documents: Sequence[Document], location: Sequence[Hashable]) -> Path:
    """Return the last file that has a value at a location, or the catalog itself if none has."""
    for document in reversed(documents):
        if _has(document.data, location):
            return document.path
    return documents[0].path


def _merged(base: Any, over: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return {**base, **{key: _merged(base.get(key), value) for key, value in over.items()}}


def _has(data: Any, location: Sequence[Hashable]) -> bool:
    for step in location:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _parse(path: Path, text: str) -> Any:
    hint = "Correct what the cause names; numbers have no more than some digits, brackets some levels."
    try:
        with reading(f"The file '{path}'", hint=hint, code=ExitCode.USAGE):
            return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise SwitchroomError(
            f"The file '{path}' is not valid YAML at line {line}.",
            cause=error.problem or "",
            hint=f"Correct line {line}; indentation and quotes are the usual causes.",
            code=ExitCode.USAGE,
        ) from error
    except yaml.YAMLError as error:
        raise SwitchroomError(
            f"The file '{path}' is not valid YAML.",
            cause=str(error),
            hint="Give a text file; this one has bytes that no text has.",
            code=ExitCode.USAGE,
        ) from error


class _StrictLoader(_SafeLoader):
    """A safe loader that refuses what YAML takes silently: a key given twice, and a key that is no text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Dict[Hashable, Any]:
        keys: List[Any] = []
        for key_node, _ in node.value:
            key = self.construct_object(key_node)
            if not isinstance(key, str):
                raise _key_error(key_node, f"The key {key_node.value} must stand in quotes.")
            if key in keys:
                raise _key_error(key_node, f"The key '{key}' is given twice.")
            keys.append(key)
        return super().construct_mapping(node, deep)


def _key_error(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
