"""What every trial begins with: a box whose old engine answers calls, and a repository with the new ones."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Mapping, Sequence

from campaign.watch import CLIENT, until
from lab.boxes import Box, make_box
from lab.engines.keep import LabEngine
from lab.engines.outlet import Outlet, offer
from lab.engines.shelf import Shelf
from lab.layers import REPOSITORY_URL, appliance_layer, repository_bind
from support import pbx
from switchroom.box import sip
from switchroom.build.keys import development_key

SIP_PORT = 5060
LOG, CODE = "/var/log/campaign-switch.log", "/var/log/campaign-switch.code"
# A small package that nothing else needs, for dnf to show that it still works.
SPARE = "asterisk-moh-opsound-gsm"
_BESIDE = ("asterisk-sounds-core-en-gsm", "switchroom", SPARE)
# No question, no wait for calls, and less patience than the default with engines that have to fail.
MANNERS = ("--yes", "--now", "--health-timeout", "20")
_ANSWER_SECONDS = 60.0
# A later version of the series, another major version, and engines that have to be rolled back.
ROUTES = ("within", "major", "crashes", "no-pjsip")


@dataclass(frozen=True)
class Route:
    """A switch: the ``words`` that an admin types, and the ``engine`` (``22.11.0-1``) that is meant.

    ``kept`` tells whether the new engine is good (a broken one has to be rolled back), ``logs`` whether its
    scriptlets leave lines behind when they run.
    """

    words: Sequence[str]
    engine: str
    kept: bool = True
    logs: bool = True


@dataclass(frozen=True)
class Scene:
    """Where all trials play; ``old`` is the engine (``22.10.1-1``) that runs at first."""

    repository: Path
    layer: Path
    old: str
    routes: Mapping[str, Route]

    @property
    def good(self) -> str:
        """An engine that a switch keeps."""
        return next(route.engine for route in self.routes.values() if route.kept)

    @contextlib.contextmanager
    def box(self, name: str) -> Iterator[Box]:
        """Give a box with dial tone, all of it on its disk; it is gone afterwards."""
        box = make_box(name, [self.layer], repository_bind(self.repository), owned=True)
        try:
            pbx.apply(box.root)
            box.start()
            box.wait_booted()
            until(lambda: answers(box), _ANSWER_SECONDS, "the first dial tone")
            box.run("sync")
            yield box
        finally:
            box.down()


def prepare(shelf: Shelf, epoch: int, folder: Path) -> Scene:
    """Publish the engines in ``folder`` with everything they share, and install the layer of the boxes."""
    old, major = shelf.current.series, shelf.other_major
    bad = {name: shelf.broken(name) for name in ("crashes", "no-pjsip")}
    outlet = Outlet(folder / "repository", REPOSITORY_URL)
    engines = [shelf.current, shelf.newer, major, *bad.values()]
    offer(outlet, shelf.shared, engines, (), key=development_key(), epoch=epoch)
    layer = appliance_layer(outlet.root, [f"{old.meta}-{old.version}", *_BESIDE])
    routes = {
        "within": _route(shelf.newer),
        "major": _route(major, logs=major is shelf.sixteen),
        **{name: _route(engine, kept=False) for name, engine in bad.items()},
    }
    return Scene(outlet.root, layer, old.prefix_name, routes)


def begin(box: Box, *words: str) -> None:
    """Type ``switchroom switch`` with more words on the box, and return while it runs."""
    command = f'switchroom switch "$@" >{LOG} 2>&1; echo $? >{CODE}'
    unit = ["systemd-run", "--quiet", "--collect", f"--unit={CLIENT}", "--property=Type=exec"]
    box.run(*unit, "/bin/sh", "-c", command, "sh", *words)


def answers(box: Box) -> bool:
    """Return whether the box answers SIP."""
    return sip.options(box.address, SIP_PORT, timeout=0.2) is not None


def up(box: Box) -> bool:
    """Return whether Asterisk answers and has told systemd that it is fully booted."""
    return (
        answers(box) and box.run("systemctl", "is-active", "--quiet", "asterisk", check=False).returncode == 0
    )


def _route(engine: LabEngine, *, kept: bool = True, logs: bool = True) -> Route:
    series = engine.series
    words = (series.version, "--acknowledge", f"end-of-life:{series.key}", *MANNERS)
    return Route(words, series.prefix_name, kept, logs)
