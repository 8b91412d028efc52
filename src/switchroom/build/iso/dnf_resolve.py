"""Resolves packages with dnf's own solver: JSON on standard input, JSON on standard output.

Runs in a process of its own under the machine's own Python, which has the dnf module; needs no root. Input:
``repos`` (id to folder), ``requests`` (name to ``packages`` and ``repos``), ``scratch``, ``releasever``,
``arch``. Output: for each request ``chosen`` (nevra, repo, location) and ``missing`` (one line each).
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict, List

import dnf  # type: ignore[import-not-found]  # comes with the system's Python only


def _base(order: Dict[str, Any], repos: List[str]) -> Any:
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
    for name in repos:
        base.repos.add_new_repo(name, conf, baseurl=[f"file://{order['repos'][name]}"])
    base.fill_sack(load_system_repo=False)
    base.read_comps()
    return base


def _resolve(order: Dict[str, Any], request: Dict[str, Any]) -> Dict[str, Any]:
    base = _base(order, request["repos"])
    missing: List[str] = []
    try:
        base.install_specs(request["packages"])
    except dnf.exceptions.MarkingErrors as error:
        missing += [*error.no_match_pkg_specs, *error.no_match_group_specs, *error.error_pkg_specs]
    try:
        base.resolve()
    except dnf.exceptions.DepsolveError as error:
        lines = (line.strip(" -") for line in str(error).splitlines())
        missing += [line for line in lines if "nothing provides" in line] or [str(error)]
    chosen = [
        {"nevra": str(package), "repo": package.reponame, "location": package.location}
        for package in sorted(base.transaction.install_set if base.transaction else [])
    ]
    base.close()
    return {"chosen": chosen, "missing": missing}


if __name__ == "__main__":
    task = json.load(sys.stdin)
    json.dump({name: _resolve(task, request) for name, request in task["requests"].items()}, sys.stdout)
