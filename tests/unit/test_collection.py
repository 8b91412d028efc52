"""The collection as a whole: one version, playbooks by their full names, and no role that the site forgot."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml

from support.collection import PLACE, ROOT, collections, run

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.9
    tomllib = None  # type: ignore[assignment]

__all__ = ["collections"]  # a fixture

PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def site_roles() -> List[str]:
    """Return every role that the site playbook may apply."""
    told: Dict[str, Any] = load("playbooks/vars/site.yml")
    lists = [told["__site_always"], *told["__site_profiles"].values(), told["__site_provisioning"]]
    return [role for roles in lists for role in roles]


def test_the_site_knows_every_role_and_no_other() -> None:
    roles = {path.name for path in (ROOT / "roles").iterdir() if (path / "meta").is_dir()}
    assert set(site_roles()) == roles - {"common"}


@pytest.mark.skipif(tomllib is None, reason="this Python reads no TOML")
def test_the_collection_has_the_projects_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert load("galaxy.yml")["version"] == project["version"]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_an_installed_playbook_is_found_by_its_full_name(collections: Path, playbook: str) -> None:
    words = ("-i", "localhost,", "--syntax-check", f"switchroom.pbx.{playbook}")
    run("ansible-playbook", *words, ANSIBLE_COLLECTIONS_PATH=str(collections))


def test_the_artefact_has_every_role_with_its_documentation(collections: Path) -> None:
    for role in site_roles():
        assert (collections / PLACE / f"roles/{role}/README.md").is_file()


def test_every_scenario_and_document_of_an_area_is_linked() -> None:
    text = (ROOT / "docs/collection.md").read_text()
    scenarios = [path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml")]
    assert [name for name in scenarios if f"| `{name}` |" not in text] == []
    areas = ("base", "web", "provisioning", "runtimes", "freepbx", "first-boot")
    there = [name for name in areas if (ROOT / f"docs/{name}.md").exists()]
    assert [name for name in there if f"({name}.md)" not in text] == []
    assert [role for role in site_roles() if f"](../roles/{role}/README.md)" not in text] == []
