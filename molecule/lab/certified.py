"""A made-up source of a certified branch, to prove that one builds where upstream cannot be reached.

It is the source that the lab compiles anyway, turned by the module data into what upstream publishes for
the branch: modules are switched off (``defaultenabled``) or absent as there. NOT upstream's code: for the lab
alone.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import Optional, Sequence

import yaml

from lab.base import ensure_base
from lab.roots import Repository, dnf, scratch_root
from lab.run_engine import running_engine
from switchroom.build import repo
from switchroom.build.keys import development_key
from switchroom.build.lookaside import OVERLAY, Lookaside
from switchroom.build.repo.layout import PUBLIC_KEY
from switchroom.build.tarball import Tree, edit, read_tree, write_tree
from switchroom.build.workspace import cache_dir, source_date_epoch
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Series
from switchroom.catalog.modules import ModuleTable, table_of
from switchroom.cli.main import main as switchroom
from switchroom.cli.main import report
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256
from switchroom.core.progress import Reporter

ORIGIN = "lab-made-up"
FIXTURE = Path(__file__).with_name("fixture.yml")
_SUPPORT = re.compile(rb"(<support_level>)")
_OFF = rb"<defaultenabled>no</defaultenabled>\1"  # on the same line, so that ccache knows the rest


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Make the source of a certified branch, build its packages, install and start it."""
    parser = argparse.ArgumentParser(prog="build-certified", description=__doc__.partition("\n")[0])
    parser.add_argument("--series", default="certified-22.8", help="default: certified-22.8")
    parser.add_argument(
        "--out", type=Path, default=cache_dir("lab", "certified"), help="folder for the packages"
    )
    args = parser.parse_args(argv)
    try:
        overlay = make_source(args.series, Lookaside(cache_dir("lookaside"), Reporter()))
        words = ["--series", args.series, "--overlay", str(overlay), "--out", str(args.out)]
        code = switchroom(["build", "packages", *words])
        return code or try_out(load_catalog(overlays=[overlay]).series[args.series], args.out)
    except SwitchroomError as error:
        return report(error, as_json=False)


def try_out(series: Series, packages: Path) -> int:
    """Install the branch with dnf in a root of the lab, from a signed repository, and start it there."""
    key, quiet = development_key(), Reporter(quiet=True)
    epoch = source_date_epoch(load_catalog().epoch)
    with tempfile.TemporaryDirectory(prefix="certified-") as name, scratch_root(ensure_base()) as root:
        place = Path(name, "repository")
        repo.publish(place, sorted(packages.glob("*.rpm")), key=key, epoch=epoch, reporter=quiet)
        door = repo.open_repo(place, repo.TESTING).mirrorlist
        source = Repository("certified", f"file://{door}", place / PUBLIC_KEY, mirrorlist=True)
        dnf(root, ["install", series.meta, f"{series.meta}-odbc"], [source])
        with running_engine(root) as engine:
            print(engine.command("core show version"))
            print(engine.command("module show like func_json"))  # upstream leaves it off
    return ExitCode.DONE


def make_source(key: str, lookaside: Lookaside) -> Path:
    """Write the branch's source beside Debian's in the lookaside folder and return the overlay that names it.

    Raises SwitchroomError unless ``build sources --from debian`` has filled the folder.
    """
    if not lookaside.overlay.is_file():
        raise SwitchroomError(
            f"'{lookaside.folder}' holds no source to make it from.",
            hint="Run first: switchroom build sources --from debian",
        )
    catalog = load_catalog(overlays=[lookaside.overlay, FIXTURE])  # with the lab's parts, which ccache knows
    series, base = catalog.series[key], catalog.series[key.rpartition("-")[2].partition(".")[0]]
    tree = read_tree(lookaside.obtain(base.sources[0]), strip=1)
    edit(tree, ".version", f"{series.source_version}\n".encode())
    _switch_off(tree, table_of(key))
    tarball = lookaside.folder / ORIGIN / f"asterisk-{series.source_version}.tar.gz"
    write_tree(tree, tarball, top=tarball.name.removesuffix(".tar.gz"))
    return _overlay(lookaside, series, base, tarball)


def _switch_off(tree: Tree, table: ModuleTable) -> None:
    sources = {path.rpartition("/")[2].removesuffix(".c"): path for path in tree if path.endswith(".c")}
    newer = table_of(table.series.rpartition("-")[2].partition(".")[0]).modules
    # The lab's source is newer than the branch: what a module of both needs there today has to stay.
    needed = {one for name in newer if name in table.modules for one in newer[name].depends}
    for name in set(newer) - set(table.modules) - needed:
        if name in sources:
            del tree[sources[name]]
    for module in table.modules.values():
        path = sources.get(module.name, "")
        if module.off and path and b"<defaultenabled>" not in tree[path].data:
            edit(tree, path, _SUPPORT.sub(_OFF, tree[path].data, count=1))


def _overlay(lookaside: Lookaside, series: Series, base: Series, tarball: Path) -> Path:
    """Write a catalog overlay: the branch from the made-up source, and the base's pjproject."""
    pjproject = base.sources[1]
    evidence = {"reference": ORIGIN, "verified": False, "note": "Made for the lab."}
    entry = {
        "sources": [
            {"name": tarball.name, "sha256": sha256(tarball), "origin": ORIGIN},
            {"name": pjproject.name, "sha256": pjproject.sha256, "origin": pjproject.origin},
        ],
        "bundled": dict(base.bundled),
        "disable": sorted({*series.disable, *base.disable}),
        "parts": list(base.parts),
        "evidence": dict.fromkeys(("sources", "bundled"), evidence),
    }
    text = (
        f"Asterisk {base.version}, its modules switched off as in {series.source_version}, by catalog/modules"
    )
    data = yaml.safe_load(lookaside.overlay.read_text())
    data["references"][ORIGIN] = text
    data["series"][series.key] = entry
    path = lookaside.folder / ORIGIN / OVERLAY
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path


if __name__ == "__main__":
    sys.exit(main())
