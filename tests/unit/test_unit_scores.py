"""Each unit of ours is as confined as docs/security.md says, and the document knows each of them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Dict

import pytest

from support.executed import filled
from support.unit_scores import stated

ROOT = Path(__file__).parents[2]
DROP_INS = {"dnf-automatic.service"}  # of a distribution's unit


def units() -> Dict[str, Path]:
    """Return our units' files by their names."""
    ours = [*ROOT.glob("rpmspecs/*/*.service"), *ROOT.glob("kickstart/*/*.service")]
    roles = {path.name.removesuffix(".j2"): path for path in ROOT.glob("roles/*/templates/*.service.j2")}
    return {
        name: path
        for name, path in {**{path.name: path for path in ours}, **roles}.items()
        if name not in DROP_INS
    }


UNITS = units()


def test_the_document_has_a_score_for_each_unit() -> None:
    assert set(stated()) == set(UNITS)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
@pytest.mark.parametrize("unit", sorted(UNITS))
def test_a_unit_is_as_confined_as_is_stated(unit: str, tmp_path: Path) -> None:
    path = UNITS[unit]
    file = tmp_path / unit
    file.write_text(filled(path, "9"))
    argv = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(file)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    last = done.stdout.strip().splitlines()[-1]
    assert float(last.split(": ")[1].split()[0]) <= stated()[unit].score, last
