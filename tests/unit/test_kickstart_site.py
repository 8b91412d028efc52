"""What the medium carries for the roles, as the roles themselves name it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pykickstart.constants import KS_SCRIPT_POST

from support.collection import ROOT
from support.kickstarts import scripts, settings
from switchroom.build.kickstart import site
from switchroom.build.kickstart.check import check
from switchroom.build.kickstart.render import render
from switchroom.core.errors import SwitchroomError


def test_every_list_of_a_role_s_packages_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "playbooks/vars").mkdir(parents=True)
    lists = "__site_always: [base, none]\n__site_profiles: {asterisk: []}\n__site_provisioning: [web]\n"
    (tmp_path / "playbooks/vars/site.yml").write_text(lists)
    for role in ("base", "web"):
        (tmp_path / "roles" / role / "vars").mkdir(parents=True)
    names = "__base_packages: [b]\n__base_packages_time: [a]\n__base_service: s\n__base_packages_more: []\n"
    (tmp_path / "roles/base/vars/el9.yml").write_text(names)
    (tmp_path / "roles/web/vars/el9.yml").write_text("__web_packages: [w, a]\n")
    monkeypatch.setattr(site, "data_path", lambda name: tmp_path / name)
    assert site.packages(9, {}) == ("a", "b")
    assert site.packages(9, {"pbx_provisioning": True}) == ("a", "b", "w")
    assert site.packages(9, {"base_time": False, "web_time": False}) == ("b",)


@pytest.mark.parametrize("el", [9, 10])
def test_what_the_first_boot_leaves_out_is_not_asked_for(el: int) -> None:
    assert "fail2ban-server" in site.packages(el, {})
    assert "fail2ban-server" not in site.packages(el, {"base_fail2ban": False})


@pytest.mark.parametrize("el", [9, 10])
def test_the_real_roles_name_packages(el: int) -> None:
    variables = {"pbx_provisioning": True}
    assert all((ROOT / "roles" / role).is_dir() for role in site.roles(variables))
    names = site.packages(el, variables)
    assert {"switchroom", "chrony", "httpd"} <= set(names)
    assert [name for name in names if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9+._-]*", name)] == []


def test_variables_reach_the_inventory_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "vars.yml"
    file.write_text('base_mail_relay: "it\'s $(id) `id` \\\\ {{ x }}"\nbase_ssh_ports: [22]\n')
    text = render(settings(variables=site.variables_of(file), offline=True))
    check(text, 9)
    script = next(one for one in scripts(text, KS_SCRIPT_POST) if "first-boot.yml" in one)
    inventory = yaml.safe_load(script.partition("<<'INVENTORY'\n")[2].partition("\nINVENTORY\n")[0])
    assert inventory["pbx"]["vars"] == {
        "pbx_profile": "asterisk",
        "repositories_epel": False,
        "repositories_crb": False,
        "base_mail_relay": "it's $(id) `id` \\ {{ x }}",
        "base_ssh_ports": [22],
    }


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"pbx_profile": "freepbx"}, "profile 'freepbx'"),
        ({"Base": 1}, "'Base' cannot"),
        ({1: 1}, "'1' cannot"),
    ],
)
def test_what_the_first_boot_cannot_do_is_refused(variables: Any, words: str) -> None:
    with pytest.raises(SwitchroomError, match=words):
        settings(variables=variables)


@pytest.mark.parametrize("text", ["- a list\n", "a: [\n"])
def test_a_file_without_variables_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "vars.yml"
    file.write_text(text)
    with pytest.raises(SwitchroomError, match=str(file)):
        site.variables_of(file)
