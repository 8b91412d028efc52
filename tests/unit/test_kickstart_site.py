"""What the medium carries for the roles, as the roles themselves name it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.collection import ROOT
from switchroom.build.kickstart import site
from switchroom.core.errors import SwitchroomError


def test_every_list_of_a_role_s_packages_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "playbooks/vars").mkdir(parents=True)
    (tmp_path / "playbooks/vars/site.yml").write_text(
        "__site_always: [base, none]\n__site_profiles: {small: [], big: [web]}\n"
    )
    for role in ("base", "web"):
        (tmp_path / "roles" / role / "vars").mkdir(parents=True)
    (tmp_path / "roles/web/vars/el9.yml").write_text("__web_packages: [w, a]\n")
    names = "__base_packages: [b]\n__base_packages_time: [a]\n__base_service: s\n__base_packages_more: []\n"
    (tmp_path / "roles/base/vars/el9.yml").write_text(names)
    monkeypatch.setattr(site, "data_path", lambda name: tmp_path / name)
    assert site.packages(9, "small") == ("a", "b")
    assert site.packages(9, "big") == ("a", "b", "w")


@pytest.mark.parametrize("profile", sorted(site.profiles()))
@pytest.mark.parametrize("el", [9, 10])
def test_the_real_roles_name_packages(profile: str, el: int) -> None:
    assert all((ROOT / "roles" / role).is_dir() for role in site.profiles()[profile])
    names = site.packages(el, profile)
    assert "switchroom" in names
    assert [name for name in names if not re.fullmatch(r"@?[A-Za-z0-9][A-Za-z0-9+._-]*", name)] == []


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(SwitchroomError, match="no profile 'nothing'"):
        site.packages(9, "nothing")
