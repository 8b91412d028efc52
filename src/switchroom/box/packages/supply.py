"""From the repositories to checked files: what there is, what it takes, and fetching it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

from switchroom.box.engines import Engine
from switchroom.box.packages.client import QUIET, ask
from switchroom.box.packages.model import Item, Kept, Offer, Resolution
from switchroom.box.packages.state import damaged
from switchroom.box.paths import Paths
from switchroom.core.files import fsync_dir
from switchroom.core.progress import Reporter


def offers(
    channel: Optional[str] = None, *, offline: bool = False, reporter: Reporter = QUIET
) -> Tuple[Offer, ...]:
    """Return every engine that is installed or offered, the newest build first.

    ``channel`` ("testing") is enabled for this question beside what the box has enabled. ``offline`` asks no
    repository: only what is installed. Raises SwitchroomError (REFUSED) for a repository that cannot be
    trusted, or neither reached nor read from the cache.
    """
    answer = ask("offers", reporter=reporter, channel=channel, offline=offline)
    return tuple(_offer(data) for data in answer.last["value"])


def resolve(
    engine: Engine,
    extras: Sequence[str] = (),
    channel: Optional[str] = None,
    *,
    offline: bool = False,
    reporter: Reporter = QUIET,
) -> Resolution:
    """Return the transaction that brings an engine and its ``extras`` ("odbc", "fax") onto the box, whole.

    Brings the series' meta packages too when the engine is the newest of its series, so that updates follow
    it. Packages that are installed but damaged are among it, to be installed again. Raises SwitchroomError
    (REFUSED) when it does not fit the box or was made for the lab; nothing is changed.
    """
    names = [engine.package, *(f"{engine.package}-{extra}" for extra in extras)]
    answer = ask(
        "resolve",
        reporter=reporter,
        engine=engine.package,
        extras=list(extras),
        damaged=list(damaged(names)),
        channel=channel,
        offline=offline,
    )
    value = answer.last["value"]
    return Resolution(
        channel=channel or "",
        packages=tuple(Item(**item) for item in value["packages"]),
        wanted=tuple(value["wanted"]),
        missing=tuple(value["missing"]),
        remarks=tuple(answer.remarks),
    )


def fetch(resolution: Resolution, into: Path, reporter: Reporter = QUIET) -> Tuple[Kept, ...]:
    """Download the packages into a folder of their own, check each signature, and flush them to disk.

    What the folder held before goes. Raises SwitchroomError (REFUSED) naming the package whose signature or
    file is not valid; then the folder is gone and nothing is changed.
    """
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(mode=0o700, parents=True)
    if not resolution.packages:
        return ()
    try:
        kept = _download(resolution, into, reporter)
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise
    fsync_dir(into.parent)
    return kept


def _download(resolution: Resolution, into: Path, reporter: Reporter) -> Tuple[Kept, ...]:
    packages = [{"nevra": item.nevra, "repository": item.repository} for item in resolution.packages]
    title = f"Downloading {len(packages)} packages"
    with reporter.step(title, total=resolution.download_bytes) as step:
        seen = 0

        def advance(done: int, _total: int) -> None:
            nonlocal seen
            step.advance(done - seen)
            seen = done

        answer = ask(
            "download",
            progress=advance,
            channel=resolution.channel or None,
            packages=packages,
            into=str(into),
        )
    return tuple(Kept.from_dict(data) for data in answer.last["value"])


def _offer(data: Dict[str, Any]) -> Offer:
    version, build = data.pop("version"), data.pop("build")
    prefix = Paths().engines / f"{version}-{build}"
    return Offer(engine=Engine(version, build, prefix), **data)
