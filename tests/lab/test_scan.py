"""The scan between real engines: their own samples pass, what each lacks of the other is found both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import pytest

from lab.engines.keep import LabEngine
from lab.engines.shelf import Shelf
from support.lab_engines import lab_engines, products
from support.scans import CUSTOM, DAY, box, catalog, custom
from switchroom.box import scan
from switchroom.box.scan import cpio
from switchroom.core import process

__all__ = ["lab_engines", "products"]  # fixtures
pytestmark = pytest.mark.lab("rpm2cpio", "cpio")

SAMPLES = "/share/samples/"


@pytest.fixture(scope="module")
def old(lab_engines: Shelf) -> LabEngine:
    """Asterisk 16, the hardest real switch; absent when Debian's suite dropped it."""
    if lab_engines.sixteen is None:
        pytest.skip(f"no Asterisk 16 in this lab: {lab_engines.why_no_16}")
    return lab_engines.sixteen


def side(engine: LabEngine) -> scan.Side:
    return scan.Side(engine.series.version, scan.of_packages(of_arch(engine)))


def of_arch(engine: LabEngine) -> list[Path]:
    return [package for package in engine.packages if ".noarch." not in package.name]


def samples(engine: LabEngine) -> Dict[str, str]:
    """Return an engine's sample configuration as `make samples` installs it."""
    found = {}
    for package in of_arch(engine):
        archive = process.run(["rpm2cpio", package]).stdout
        for name, content in cpio.members(archive):
            _, inside, file = name.partition(SAMPLES)
            if inside and "/" not in file and file.endswith(".sample"):
                text = bytes(content).decode(errors="surrogateescape")
                found[f"/etc/asterisk/{file[: -len('.sample')]}"] = text
    return found


def keys(found: tuple[scan.Finding, ...]) -> Dict[str, int]:
    return {one.key: one.line for one in scan.blocking(found)}


def test_own_samples_have_no_blocking_finding(lab_engines: Shelf, tmp_path: Path) -> None:
    engines = [lab_engines.current, *([lab_engines.sixteen] if lab_engines.sixteen else [])]
    for engine in engines:
        files = samples(engine)
        assert "/etc/asterisk/extensions.conf" in files
        assert len(files) > 80
        paths, own = box(tmp_path / engine.series.key, files), side(engine)
        assert keys(scan.check(paths, catalog(), own, own, on=DAY)) == {}
        assert (
            keys(scan.check(paths, catalog(), scan.Side(own.version), scan.Side(own.version), on=DAY)) == {}
        )


def test_an_installed_engine_and_its_package_tell_the_same(lab_engines: Shelf, tmp_path: Path) -> None:
    (engine, *modules) = of_arch(lab_engines.current)
    archive = process.run(["rpm2cpio", engine]).stdout
    process.run(["cpio", "--extract", "--make-directories", "--quiet"], cwd=tmp_path, stdin=archive)
    (prefix,) = (tmp_path / "usr/lib64/switchroom/engines").iterdir()
    installed = scan.of_prefix(prefix)
    assert installed == scan.of_packages([engine])
    assert installed.has("application", "Dial")
    assert not installed.has("application", "Macro")
    assert not installed.has(
        "function", "ODBC_FETCH"
    )  # documented, but its module is in a package of its own
    assert scan.of_packages([engine, *modules]).has("function", "ODBC_FETCH")


def test_what_each_lacks_of_the_other_is_found_both_ways(
    lab_engines: Shelf, old: LabEngine, tmp_path: Path
) -> None:
    lines = ["same => n,Macro(x)", "same => n,Dial(SIP/100)", "same => n,StasisBroadcast(x)"]
    lines += [
        "same => n,Set(a=${SIP_HEADER(From)})",
        "same => n,Set(b=${DIGIT_SUM(12)})",
        "same => n,Playback(x)",
    ]
    files = {**custom(*lines), "/etc/asterisk/modules.conf": "[modules]\nautoload=yes\nrequire=app_if.so\n"}
    files["/etc/asterisk/sip.conf"] = "[general]\n[100]\nsecret=x\n"
    paths, before, after = box(tmp_path, files), side(old), side(lab_engines.current)
    place = f"{CUSTOM}:from-internal-custom"
    assert keys(scan.check(paths, catalog(), before, after, on=DAY)) == {
        f"application:Macro:{place}": 3,
        f"technology:SIP:{place}": 4,
        f"function:SIP_HEADER:{place}": 6,
        "file:sip.conf:/etc/asterisk/sip.conf": 3,
    }
    assert keys(scan.check(paths, catalog(), after, before, on=DAY)) == {
        f"application:StasisBroadcast:{place}": 5,
        f"function:DIGIT_SUM:{place}": 7,
        "module:app_if:/etc/asterisk/modules.conf": 3,
        "end-of-life:16": 0,
    }
