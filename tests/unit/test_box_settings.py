"""A box's settings: the shipped ones are complete, the site's own win, a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchroom.box.paths import Paths
from switchroom.box.settings import load_settings
from switchroom.core.errors import ExitCode, SwitchroomError


def site(tmp_path: Path, text: str) -> Paths:
    paths = Paths(tmp_path)
    paths.settings.parent.mkdir(parents=True)
    paths.settings.write_text(text)
    return paths


def test_a_box_without_a_file_has_settings(tmp_path: Path) -> None:
    assert load_settings(Paths(tmp_path)).health.timeout > 0


def test_the_site_changes_one_setting_and_keeps_the_others(tmp_path: Path) -> None:
    shipped = load_settings(Paths(tmp_path))
    settings = load_settings(site(tmp_path, "drain: {timeout: 5}\n"))
    assert settings.drain.timeout == 5
    assert settings.drain.refuse == shipped.drain.refuse
    assert settings.health == shipped.health


@pytest.mark.parametrize(
    ("text", "place"),
    [("health: {contacts: 1.5}", "health.contacts"), ("drain: {tmeout: 5}", "drain"), ("[]", "mapping")],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(SwitchroomError) as refused:
        load_settings(site(tmp_path, text))
    assert refused.value.code is ExitCode.USAGE
    assert place in refused.value.message
    assert "box.yml" in refused.value.message
