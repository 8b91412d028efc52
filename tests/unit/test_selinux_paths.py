"""Under SELinux systemd runs what its policy lets it: every path of ours must have a label that it may run.

The labels are Enterprise Linux's own, matched by libselinux, with our modules' over them: tests/data/selinux.
What health.d holds is no part of this: our tool starts it, and systemd starts our tool unconfined.
"""

from __future__ import annotations

import os
import re
from typing import Dict

import pytest

from support import executed
from support.selinux import MAJORS, Store, make, packaged

ENGINE = "/usr/lib64/switchroom/engines/22.10.1-1"
# Links, as the system and asterisk-common have them: what counts is the file behind them.
LINKS = {
    "/bin/sh": "/usr/bin/bash",
    "/etc/switchroom/engine/sbin/asterisk": f"{ENGINE}/sbin/asterisk",
    "/usr/sbin/asterisk": "/usr/libexec/switchroom/as-asterisk",
}
# FreePBX brings it, with a label of data; its profile is never enforcing.
FREEPBX = {"/usr/sbin/fwconsole"}
OURS = {"bin_t", "asterisk_exec_t"}
# Of the distribution's: each has a rule of its own for init_t.
SYSTEMS = {"shell_exec_t", "systemd_systemctl_exec_t", "fail2ban_client_exec_t", "tftpd_exec_t"}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Store]:
    return {major: make(tmp_path_factory.mktemp("el") / major, major, packaged(major)) for major in MAJORS}


@pytest.mark.parametrize("major", MAJORS)
def test_systemd_may_run_all_that_our_units_name(major: str, stores: Dict[str, Store]) -> None:
    runs = [run for run in executed.started(major) if run.path not in FREEPBX]
    types = stores[major].types(sorted({LINKS.get(run.path, run.path) for run in runs}))
    wrong = {run: types[LINKS.get(run.path, run.path)] for run in runs}
    assert {run: name for run, name in wrong.items() if name not in OURS | SYSTEMS} == {}


@pytest.mark.parametrize("major", MAJORS)
def test_every_program_of_ours_is_one_for_selinux(major: str, stores: Dict[str, Store]) -> None:
    runs = executed.installed(major)
    types = stores[major].types(sorted({run.path for run in runs}))
    assert {run: types[run.path] for run in runs if types[run.path] not in OURS} == {}


@pytest.mark.parametrize("major", MAJORS)
def test_asterisk_starts_in_its_domain(major: str, stores: Dict[str, Store]) -> None:
    start = [
        ("init_t", "asterisk_t", "process", "transition"),
        ("init_t", "asterisk_exec_t", "file", "execute"),
    ]
    assert set(map(tuple, stores[major].ask(start).values())) == {("",)}
    assert stores[major].types([f"{ENGINE}/sbin/asterisk"]) == {f"{ENGINE}/sbin/asterisk": "asterisk_exec_t"}
    # What it was before there were modules of ours, and what a folder of the site's own would give.
    wrong = stores[major].types(["/usr/local/libexec/switchroom/self-signed", "/opt/asterisk/asterisk"])
    assert set(wrong.values()) == {"usr_t"}


@pytest.mark.parametrize("major", MAJORS)
def test_the_search_finds_the_units(major: str) -> None:
    found = executed.started(major)
    sources = {os.path.basename(run.source) for run in found}
    assert {"first-password.service", "certificate.service.j2", "backup.service.j2"} <= sources
    assert {"asterisk.service", "switchroom-resume.service", "asterisk.logrotate"} <= sources
    assert "/usr/libexec/switchroom/self-signed" in {run.path for run in found}
    assert "/usr/sbin/safe_asterisk" in {run.path for run in executed.installed(major)}
    assert [run for run in found if re.search(r"[{}]", run.path)] == []
