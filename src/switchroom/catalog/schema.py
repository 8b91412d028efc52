"""Validation against the catalog's JSON Schema, with errors a person can act on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Hashable, Mapping, Sequence, cast

from switchroom.catalog.source import PACKAGED, SHIPPED, Document, origin
from switchroom.core.errors import ExitCode, SwitchroomError

SCHEMA = Path(__file__).resolve().parent / "data" / "catalog.schema.json"


def load_schema() -> Dict[str, Any]:
    """Return the JSON Schema (Draft 7) of the catalog."""
    return cast(Dict[str, Any], json.loads(SCHEMA.read_text(encoding="utf-8")))


def validate(data: Mapping[str, Any], documents: Sequence[Document]) -> None:
    """Raise for the first thing in the merged data that breaks the schema, naming the place and the file.

    Without jsonschema, which an Ansible controller may lack, only our own files are taken: the build
    checked them.
    """
    try:
        import jsonschema  # noqa: PLC0415
    except ImportError:
        _refuse_strangers(documents)
        return
    checker = jsonschema.FormatChecker(["date"])
    errors = jsonschema.Draft7Validator(load_schema(), format_checker=checker).iter_errors(data)
    first = min(errors, key=lambda error: [str(step) for step in error.absolute_path], default=None)
    if first is not None:
        raise _explain(first, documents)


def _refuse_strangers(documents: Sequence[Document]) -> None:
    strangers = [document.path for document in documents if document.path not in (PACKAGED, SHIPPED)]
    if strangers:
        raise SwitchroomError(
            f"The file '{strangers[0]}' cannot be checked: this Python lacks the module 'jsonschema'.",
            hint="Install it, for example with 'dnf install python3-jsonschema'.",
            code=ExitCode.USAGE,
        )


def data_error(
    documents: Sequence[Document], location: Sequence[Hashable], sentence: str, cause: str = ""
) -> SwitchroomError:
    """Return the usage error for bad data at a location; ``sentence`` lacks its end, which names the file."""
    return SwitchroomError(
        f"{sentence}, in '{origin(documents, location)}'.",
        cause=cause,
        hint="Correct it there; docs/catalog.md explains the keys.",
        code=ExitCode.USAGE,
    )


def dotted(location: Sequence[Hashable]) -> str:
    """Return a location as a person writes it: ``series.22.sources[0].url``."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".") or "the top level"


def _explain(error: Any, documents: Sequence[Document]) -> SwitchroomError:
    location = list(error.absolute_path)
    if error.validator == "additionalProperties":
        location.append(next(key for key in error.instance if key not in error.schema["properties"]))
        return data_error(documents, location, f"The key '{dotted(location)}' is unknown")
    if "propertyNames" in error.absolute_schema_path:
        location.append(error.instance)
        return data_error(documents, location, f"The key '{dotted(location)}' has a bad form", error.message)
    if error.validator == "type" and "string" in error.validator_value:
        return data_error(
            documents, location, f"The value at '{dotted(location)}' must be text in quotes", error.message
        )
    return data_error(documents, location, f"The data at '{dotted(location)}' is not allowed", error.message)
