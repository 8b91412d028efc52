"""Both engines, installed by dnf from the published repository and from that in the ISO, and called."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Iterator

import pytest

from lab.roots import Repository, dnf, inside, scratch_root
from lab.run_engine import running_engine
from support.outlets import Publish, on_medium, products, publish, published
from support.packages import Products
from support.small_rpms import Small, build
from support.successor import next_build, query
from switchroom.catalog.model import Series
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import link_atomic

__all__ = ["on_medium", "products", "publish", "published"]  # fixtures
pytestmark = pytest.mark.lab("debootstrap", "dnf", "rpmbuild", "unshare", "sipp", "xorriso")

ENGINES = Path("usr/lib64/switchroom/engines")
SELECTOR = Path("etc/switchroom/engine")
SERIES = ("22", "99")

PJSIP = """\
[transport-udp]
type = transport
protocol = udp
bind = 127.0.0.1:5060

[caller]
type = endpoint
context = lab
disallow = all
allow = ulaw
aors = caller

[caller]
type = aor

[caller]
type = identify
endpoint = caller
match = 127.0.0.1
"""
# The caller sends back what it hears, so packets received are media that went both ways.
DIALPLAN = """\
[lab]
exten => 100,1,Answer()
 same => n,Playback(hello-world)
 same => n,Set(GLOBAL(LAB_PLAYED)=${PLAYBACKSTATUS})
 same => n,Set(GLOBAL(LAB_RECEIVED)=${CHANNEL(rtcp,rxcount)})
 same => n,Wait(10)
"""


@pytest.fixture(scope="module", params=["published", "on_medium"])
def root(request: pytest.FixtureRequest, lab_base: Path) -> Iterator[Path]:
    """A root with both engines, installed one after the other."""
    repository: Repository = request.getfixturevalue(request.param)
    with scratch_root(lab_base) as folder:
        for series in SERIES:
            dnf(folder, ["install", f"asterisk{series}"], [repository])
        yield folder


def text(root: Path, *words: str) -> str:
    return inside(root, *words).stdout.decode().strip()


def prefix(series: Series) -> str:
    return f"/{ENGINES / series.prefix_name}"


@contextlib.contextmanager
def selected(root: Path, series: Series) -> Iterator[None]:
    """Select an engine as a switch does, by one rename, and go back afterwards."""
    before = (root / SELECTOR).readlink()
    link_atomic(prefix(series), root / SELECTOR)
    try:
        yield
    finally:
        link_atomic(str(before), root / SELECTOR)


def test_both_engines_stand_side_by_side_and_are_whole(root: Path, products: Products) -> None:
    assert {path.name for path in (root / ENGINES).iterdir()} == {
        one.prefix_name for one in products.series.values()
    }
    for series in products.series.values():
        assert text(root, "rpm", "-q", series.engine, series.meta)
    changed = inside(root, "rpm", "-Va", check=False).stdout.decode().splitlines()
    assert [line for line in changed if " c /etc/asterisk/" not in line] == []


def test_engines_carry_no_debugging_data(root: Path) -> None:
    libraries = list((root / ENGINES).glob("*/lib/*.so*"))
    assert libraries
    assert [path for path in libraries if b".debug_info" in path.read_bytes()] == []


def test_the_first_engine_installed_is_selected_and_the_second_leaves_it_alone(
    root: Path, products: Products
) -> None:
    assert str((root / SELECTOR).readlink()) == prefix(products.series["22"])
    assert text(root, "asterisk", "-V").startswith(f"Asterisk {products.series['22'].version}")


@pytest.mark.parametrize("key", SERIES)
def test_the_selected_engine_starts_and_takes_a_call_with_sound(
    root: Path, products: Products, key: str
) -> None:
    (root / "etc/asterisk/pjsip.conf").write_text(PJSIP)
    (root / "etc/asterisk/extensions.conf").write_text(DIALPLAN)
    with selected(root, products.series[key]), running_engine(root) as engine:
        assert engine.command("core show version").startswith(f"Asterisk {products.series[key].version} ")
        engine.call("100", milliseconds=4000)
        heard = dict(
            line.strip().split("=", 1)
            for line in engine.command("dialplan show globals").splitlines()
            if "=" in line
        )
    assert heard["LAB_PLAYED"] == "SUCCESS"
    assert int(heard["LAB_RECEIVED"]) > 20


def test_another_asterisk_is_refused_beside_ours(
    lab_root: Path, published: Repository, publish: Publish, tmp_path: Path
) -> None:
    foreign = publish(tmp_path / "epel", build(tmp_path / "build", Small("asterisk", version="18.12.1")))
    dnf(lab_root, ["install", "asterisk22"], [published])
    with pytest.raises(SwitchroomError) as refused:
        dnf(lab_root, ["install", "asterisk"], [published, foreign])
    assert "conflicts with asterisk provided by asterisk-18.12.1" in refused.value.cause
    assert inside(lab_root, "rpm", "-q", "asterisk", check=False).returncode == 1


def test_an_upgrade_brings_the_next_build_and_keeps_the_old_engine(
    lab_root: Path,
    published: Repository,
    publish: Publish,
    products: Products,
    tmp_path: Path,
) -> None:
    series = products.series["22"]
    ours = [
        rpm
        for rpm in products.packages
        if query(rpm, "--queryformat", "%{NAME}") in (series.engine, series.meta)
    ]
    newer = publish(tmp_path / "newer", [next_build(rpm, tmp_path / "build") for rpm in ours])
    dnf(lab_root, ["install", series.meta], [published])
    dnf(lab_root, ["upgrade"], [published, newer])
    assert text(lab_root, "rpm", "-q", series.meta) == f"{series.meta}-{series.version}-2.lab.noarch"
    assert text(lab_root, "rpm", "-q", series.engine.replace("_1", "_2"))
    assert text(lab_root, "rpm", "-V", series.engine) == ""
    assert str((lab_root / SELECTOR).readlink()) == prefix(series)
