"""Our SELinux modules over Enterprise Linux's: what Asterisk may, what it may not, and what goes before what.

The real semodule, secilc, matchpathcon and setools work on a stand-in for the base: tests/data/selinux.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Dict, List

import pytest

from support.selinux import DATA, Question, Store, labels, make, packaged, port

# With EL10's own module too: the package selinux-policy-targeted-extra brings it.
VARIANTS = {"el9": ("9", None), "el10": ("10", None), "el10-extra": ("10", True)}
ENGINE = "/usr/lib64/switchroom/engines/22.10.1-1"
ALWAYS, NEVER = [""], []  # the conditions of the rules: one without any, none at all


def may(target: str, kind: str, *permissions: str) -> List[Question]:
    """Return the questions whether Asterisk may do something."""
    return [("asterisk_t", target, kind, permission) for permission in permissions]


def connect(*ports: int) -> List[Question]:
    """Return the questions whether Asterisk may connect to TCP ports."""
    return [
        question for number in ports for question in may(port("tcp", number), "tcp_socket", "name_connect")
    ]


PROMISED = [
    ("init_t", "asterisk_t", "process", "transition"),
    *may("asterisk_exec_t", "file", "entrypoint", "execute"),
    # The engine, through its links; its libraries; the documentation, without which it refuses to start.
    *may("etc_t", "lnk_file", "read"),
    *may("bin_t", "lnk_file", "read"),
    *may("asterisk_var_lib_t", "lnk_file", "read"),
    *may("usr_t", "file", "read"),
    *may("lib_t", "file", "read", "map", "execute"),
    # AGI and what the dialplan runs; mail of voicemail.
    *may("bin_t", "file", "execute", "execute_no_trans"),
    *may("shell_exec_t", "file", "execute_no_trans"),
    *may("system_mail_t", "process", "transition"),
    # FastAGI; SIP over TCP, TLS and websockets, at providers and telephones; databases, directory, web.
    *connect(4573, 5060, 5061, 5080, 8089, 40000, 443, 8080, 3306, 5432, 1433, 389),
    *may(port("tcp", 5061), "tcp_socket", "name_bind"),
    *may(port("tcp", 8089), "tcp_socket", "name_bind"),
    *may(port("udp", 5060), "udp_socket", "name_bind"),
    *may(port("udp", 4569), "udp_socket", "name_bind"),
    *may(port("udp", 10000), "udp_socket", "name_bind"),
    *may("cert_t", "file", "read"),
    # Recordings, voicemail, call files (inotify); custom sounds in folders; logs.
    *may("asterisk_spool_t", "file", "create", "write", "rename", "unlink"),
    *may("asterisk_spool_t", "dir", "create", "add_name", "watch"),
    *may("asterisk_var_lib_t", "file", "create", "write"),
    *may("asterisk_var_lib_t", "dir", "create", "add_name"),
    *may("asterisk_log_t", "file", "create", "append"),
    # logrotate's "logger reload" comes as root to a socket of asterisk's.
    *may("asterisk_t", "capability", "dac_override"),
]
CONFIGURATION = [
    *may("asterisk_etc_t", "file", "create", "write", "rename", "unlink"),
    *may("asterisk_etc_t", "dir", "add_name", "remove_name"),
]
FORBIDDEN = [
    *may("shadow_t", "file", "read", "write", "getattr"),
    *may("asterisk_exec_t", "file", "write", "append", "create", "unlink", "rename", "setattr"),
    *may("bin_t", "file", "write", "create", "unlink"),
    *may("lib_t", "file", "write", "create", "unlink", "execmod"),
    *may("usr_t", "file", "write", "create"),
    *may("etc_t", "file", "write", "create"),
    *may("etc_t", "lnk_file", "write", "create", "unlink", "rename"),
    *may("systemd_unit_file_t", "file", "write", "create"),
    *may("cert_t", "file", "write"),
    *may("mysqld_db_t", "file", "read", "write"),
    *may("unconfined_t", "process", "transition", "ptrace", "sigkill"),
    *may("unconfined_service_t", "process", "transition"),
    *may("asterisk_t", "process", "execmem", "setexec", "setcurrent", "ptrace"),
    *may("asterisk_t", "capability", "sys_admin", "sys_module", "sys_ptrace", "sys_rawio"),
    *may("kernel_t", "system", "module_load"),
    *may("security_t", "security", "load_policy", "setenforce", "setbool"),
]


CHOSEN = {
    "switchroom_write_config=True": CONFIGURATION,
    "switchroom_connect_any=True": connect(22, 25, 600),
    "switchroom_run_sudo=True": may("sudo_exec_t", "file", "execute"),
}


def wrong(policy: Store, questions: List[Question], expected: List[str]) -> Dict[Question, List[str]]:
    """Return the answers that are not as expected; an unconditional rule outweighs what a boolean adds."""
    answers = policy.ask(questions)
    seen = {question: ALWAYS if "" in answers[question] else answers[question] for question in questions}
    return {question: found for question, found in seen.items() if found != expected}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Store]:
    made = {}
    for name, (major, asterisk) in VARIANTS.items():
        made[name] = make(tmp_path_factory.mktemp(name), major, packaged(major), asterisk=asterisk)
        made[name].ask(
            [*PROMISED, *FORBIDDEN, *(question for asked in CHOSEN.values() for question in asked)]
        )
    return made


@pytest.fixture(params=sorted(VARIANTS))
def store(stores: Dict[str, Store], request: pytest.FixtureRequest) -> Store:
    return stores[request.param]


def test_asterisk_may_do_what_is_promised(store: Store) -> None:
    assert wrong(store, PROMISED, ALWAYS) == {}


def test_asterisk_may_not_do_what_would_undo_the_box(store: Store) -> None:
    assert wrong(store, FORBIDDEN, NEVER) == {}


def test_a_site_chooses_what_not_every_site_wants(store: Store) -> None:
    for choice, questions in CHOSEN.items():
        assert wrong(store, questions, [choice]) == {}
    preset = {
        line.split()[1]: line.split()[2].rstrip(";") for line in store.info("-b") if "switchroom" in line
    }
    assert preset == {
        "switchroom_write_config": "true",
        "switchroom_connect_any": "false",
        "switchroom_run_sudo": "false",
    }


def test_files_have_their_types(store: Store) -> None:
    expected = {
        f"{ENGINE}/sbin/asterisk": "asterisk_exec_t",
        f"{ENGINE}/sbin/astcanary": "bin_t",
        f"{ENGINE}/modules/res_pjsip.so": "lib_t",
        f"{ENGINE}/lib/libasteriskpj.so.2": "lib_t",
        f"{ENGINE}/share/documentation/core-en_US.xml": "usr_t",
        "/etc/switchroom/engine": "etc_t",
        "/var/cache/asterisk/https/abc.wav": "asterisk_spool_t",
        "/var/lib/asterisk/agi-bin/site.agi": "bin_t",
    }
    if store.major == "10":  # on EL9 these come with EL's own module
        expected |= {
            "/etc/asterisk/voicemail.conf": "asterisk_etc_t",
            "/run/asterisk/asterisk.ctl": "asterisk_var_run_t",
            "/var/lib/asterisk/astdb.sqlite3": "asterisk_var_lib_t",
            "/var/log/asterisk/full": "asterisk_log_t",
            "/var/spool/asterisk/monitor/call.wav": "asterisk_spool_t",
        }
    assert store.types(list(expected)) == expected


def test_enterprise_linux_alone_forbids_what_we_add(tmp_path: Path) -> None:
    nine = make(tmp_path / "9", "9")
    links = may("asterisk_var_lib_t", "lnk_file", "read")
    assert wrong(nine, [*connect(4573, 5080, 3306), *CONFIGURATION, *links], NEVER) == {}
    assert nine.types([f"{ENGINE}/sbin/asterisk"]) == {f"{ENGINE}/sbin/asterisk": "lib_t"}


def test_each_major_gets_what_its_policy_lacks() -> None:
    assert {path.stem for path in packaged("9")} == {"switchroom"}
    assert {path.stem for path in packaged("10")} == {"asterisk", "switchroom", "switchroom-permissive"}


def test_ours_goes_before_the_one_of_the_extra_package(stores: Dict[str, Store]) -> None:
    loaded = [line.split() for line in stores["el10-extra"].semodule("-lfull").splitlines()]
    assert ["100", "asterisk", "cil"] in loaded
    assert ["200", "asterisk", "cil"] in loaded
    assert stores["el10-extra"].policy.read_bytes() == stores["el10"].policy.read_bytes()


def test_el10_is_permissive_until_a_site_says_otherwise_and_stays_so(tmp_path: Path) -> None:
    store = make(tmp_path / "10", "10", packaged("10"), asterisk=True)
    assert "type asterisk_t;" in store.info("--permissive")
    store.semodule("-d", "switchroom-permissive")
    store.load(packaged("10"))  # as the next update does
    assert "type asterisk_t;" not in store.info("--permissive")
    # When ours go, the one of the extra package counts again.
    store.semodule("-X", "200", "-r", *(path.stem for path in packaged("10")))
    assert wrong(store, [*connect(4573), *CONFIGURATION], NEVER) == {}


def test_el9_is_not_loosened(stores: Dict[str, Store]) -> None:
    assert "type asterisk_t;" not in stores["el9"].info("--permissive")


@pytest.mark.parametrize(("major", "others"), [("9", ["el-asterisk.cil"]), ("10", [])])
def test_secilc_compiles_what_a_major_gets(major: str, others: List[str], tmp_path: Path) -> None:
    (tmp_path / "labels.cil").write_text(labels(major))
    never = "(neverallow asterisk_t shadow_t (file (read write)))"
    (tmp_path / "never.cil").write_text(f"{never}\n(neverallow asterisk_t asterisk_exec_t (file (write)))\n")
    files = [DATA / "base.cil", *(DATA / name for name in others), *tmp_path.glob("*.cil"), *packaged(major)]
    argv = ["secilc", "-o", str(tmp_path / "policy"), "-f", str(tmp_path / "contexts"), *map(str, files)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_without_a_priority_the_two_would_not_go_together(tmp_path: Path) -> None:
    (tmp_path / "labels.cil").write_text(labels("10"))
    files = [DATA / "base.cil", tmp_path / "labels.cil", DATA / "el-asterisk.cil", *packaged("10")]
    argv = ["secilc", "-o", str(tmp_path / "policy"), "-f", str(tmp_path / "contexts"), *map(str, files)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Re-declaration of type asterisk_t" in done.stdout + done.stderr
