"""docs/switch.md names every option and every setting with its default."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List

import pytest
import yaml

from switchroom.cli.main import make_parser

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs/switch.md").read_text()
SETTINGS = yaml.safe_load((ROOT / "src/switchroom/box/data/settings.yml").read_text())
EVERYWHERE = {"--help", "--verbose"}


def options() -> List[str]:
    commands: Any = make_parser(["switch"])._subparsers
    parser = commands._group_actions[0].choices["switch"]
    names = {name for action in parser._actions for name in action.option_strings if name.startswith("--")}
    return sorted(names - EVERYWHERE)


@pytest.mark.parametrize("option", options())
def test_every_option_is_documented(option: str) -> None:
    assert f"`{option}" in DOCS


@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group, entries in SETTINGS.items() for name in entries]
)
def test_every_setting_is_documented_with_its_default(group: str, name: str) -> None:
    assert f"| `{group}.{name}` | {json.dumps(SETTINGS[group][name])} |" in DOCS
