"""Resolves packages with dnf's own solver: JSON on standard input, JSON on standard output.

Runs in a process of its own under the machine's own Python, which has the dnf module; needs no root.
Input: ``repos`` (id to URL), ``packages``, ``scratch``, ``releasever``, ``arch``. Output: ``chosen`` (nevra,
repo, location) and ``missing`` (a name that was asked for, or a line that says which package requires what).
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict, List

import dnf  # type: ignore[import-not-found]  # comes with the system's Python only


def _base(order: Dict[str, Any]) -> Any:
    base = dnf.Base()
    conf = base.conf
    conf.installroot = f"{order['scratch']}/root"
    conf.cachedir = f"{order['scratch']}/cache"
    conf.persistdir = f"{order['scratch']}/persist"
    conf.logdir = f"{order['scratch']}/log"
    os.makedirs(conf.logdir, exist_ok=True)
    conf.reposdir = []
    conf.install_weak_deps = False
    conf.module_platform_id = f"platform:el{order['releasever']}"
    conf.substitutions["releasever"] = order["releasever"]
    conf.substitutions["arch"] = conf.substitutions["basearch"] = order["arch"]
    for name, address in order["repos"].items():
        base.repos.add_new_repo(name, conf, baseurl=[address])
    base.fill_sack(load_system_repo=False)
    base.read_comps()
    return base


def _mark(base: Any, packages: List[str]) -> List[str]:
    """Mark for installation; return what matches nothing. Groups are matched by comps, modules by streams."""
    specs = {name.replace("@^", "@"): name for name in packages}  # Anaconda's word for an environment
    try:
        base.install_specs(list(specs))
    except dnf.exceptions.MarkingErrors as error:
        unmatched = [*error.no_match_pkg_specs, *error.no_match_group_specs]
        unmatched += [*error.error_pkg_specs, *error.error_group_specs]
        return [specs.get(name, name) for name in unmatched]
    return []


def _resolve(order: Dict[str, Any]) -> Dict[str, Any]:
    base = _base(order)
    missing = _mark(base, order["packages"])
    try:
        base.resolve()
    except dnf.exceptions.DepsolveError as error:
        lines = [line.strip(" -") for line in str(error).splitlines()]
        missing += [line for line in lines if "nothing provides" in line] or [" ".join(lines)]
    chosen = [
        {"nevra": str(package), "repo": package.reponame, "location": package.location}
        for package in sorted(base.transaction.install_set if base.transaction else [])
    ]
    base.close()
    return {"chosen": chosen, "missing": missing}


if __name__ == "__main__":
    try:
        answer = _resolve(json.load(sys.stdin))
    except dnf.exceptions.RepoError as unreadable:
        sys.exit(str(unreadable))
    json.dump(answer, sys.stdout)
