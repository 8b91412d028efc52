"""The role base, run by Ansible on this machine: what its preflight refuses, and how it sets SELinux."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest
import yaml

from support import setpriv
from support.collection import HERE, in_place, run

_FACTS = """\
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({})
module.exit_json(ansible_facts={
    "distribution": "Rocky", "distribution_release": "Blue Onyx", "distribution_version": "9.6",
    "distribution_major_version": "9", "architecture": "x86_64", "nodename": "pbx1",
})
"""
# Its client obeys the configuration that asterisk writes, and so must not be root's.
_ASTERISK = """\
#!/bin/sh
[ "$TEST_RUNS_AS" = asterisk ] || exit 1
case "$2" in
rtp*) printf '  Port start:      10000\\n  Port end:        20000\\n' ;;
logger*) printf 'Channel  Type  Formatter  Status    Configuration\\n'
    printf '/var/log/asterisk/security.log   File   default   Enabled   - SECURITY \\n' ;;
esac
"""
MAIL = {"base_mail_relay": "relay.example.org", "base_mail_root": "ops@example.org"}
# The part of the preflight, the variable that is named, and the settings.
REFUSED = [
    ("preflight", "base_profile", {"base_profile": "trixbox"}),
    ("preflight", "base_updates_type", {"base_updates_type": "some"}),
    ("preflight", "base_selinux", {"base_selinux": "disabled"}),
    ("check_system", "base_timezone", {"base_timezone": "Europe/Atlantis"}),
    ("check_system", "base_timezone", {"base_timezone": "../../../etc/passwd"}),
    ("check_system", "base_timezone", {"base_timezone": "Europe"}),
    ("check_system", "base_hostname", {"base_hostname": "pbx_1"}),
    ("check_system", "base_time_servers", {"base_time_servers": ["ntp one"]}),
    ("check_system", "base_journal_size", {"base_journal_size": "much"}),
    ("check_system", "base_updates_time", {"base_updates_time": "25:00"}),
    ("check_system", "base_selinux", {"base_selinux": "enforcing", "base_profile": "freepbx"}),
    ("check_firewall", "base_sip_networks", {"base_sip_networks": ["192.0.2.1/24"]}),
    ("check_firewall", "base_ami_networks", {"base_ami_networks": ["198.51.100.256"]}),
    ("check_firewall", "base_tftp_networks", {"base_tftp": True}),  # else everybody's
    ("check_firewall", "base_sip_udp_ports", {"base_sip_udp_ports": [70000]}),
    ("check_firewall", "base_rtp_start", {"base_rtp_start": 20000, "base_rtp_end": 10000}),
    ("check_firewall", "base_rtp_start", {"base_rtp_start": 12000}),  # Asterisk's own range begins at 10000
    ("check_firewall", "base_firewall_ports", {"base_firewall_ports": [{"name": "x", "tcp": ["9-1-2"]}]}),
    ("check_firewall", "base_firewall_ports", {"base_firewall_ports": [{"name": "ssh", "tcp": ["23"]}]}),
    ("check_firewall", "base_ssh_ports", {"base_ssh_ports": [2222]}),
    ("check_firewall", "base_ssh_networks", {"base_ssh_networks": ["198.51.100.0/24"]}),
    ("check_fail2ban", "base_fail2ban_ignore", {"base_fail2ban_ignore": ["everybody"]}),
    ("check_fail2ban", "base_fail2ban_ban", {"base_fail2ban_ban": "forever"}),
    ("check_fail2ban", "base_fail2ban_log", {"base_fail2ban_log": "/var/log/asterisk/full"}),
    ("check_mail", "base_mail_relay", {**MAIL, "base_mail_relay": "https://relay"}),
    ("check_mail", "base_mail_root", {**MAIL, "base_mail_root": ""}),
    ("check_mail", "base_mail_password", {**MAIL, "base_mail_user": "pbx"}),
    (
        "check_mail",
        "base_mail_password",
        {**MAIL, "base_mail_user": "pbx", "base_mail_password": "two\nlines"},
    ),
    ("check_mail", "base_mail_ca", {**MAIL, "base_mail_ca": "/etc/pki/none.pem"}),
]
TAKEN: List[Tuple[str, str, Dict[str, Any]]] = [
    ("preflight", "", {"base_profile": "freepbx"}),
    ("preflight", "", {**MAIL, "base_mail_user": "pbx", "base_mail_password": "secret: with blanks"}),
    (
        "check_system",
        "",
        {"base_timezone": "Europe/Berlin", "base_hostname": "pbx1", "base_time_pool": ""},
    ),
    ("check_firewall", "", {"base_sip_networks": ["192.0.2.0/24", "2001:db8::/32"], "base_rtp_start": 8000}),
    ("check_firewall", "", {"base_ssh_networks": ["192.0.2.0/24"]}),
    ("check_firewall", "", {"base_tftp": True, "provisioning_networks": ["192.0.2.0/24"]}),
    ("check_firewall", "", {"base_tftp": True, "base_tftp_networks": ["192.0.2.7"]}),
]


class Stage:
    """This machine, looking like a box to the role; programs of ``folder/bin`` come first."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.collections = folder, in_place(folder / "collections")
        (folder / "library").mkdir()
        (folder / "library/box_of_tests.py").write_text(_FACTS)
        (folder / "bin").mkdir()
        self.program("asterisk", _ASTERISK)
        setpriv.install(folder / "bin")

    def program(self, name: str, text: str) -> None:
        (self.folder / "bin" / name).write_text(text)
        (self.folder / "bin" / name).chmod(0o755)

    def play(self, tasks: List[Dict[str, Any]], variables: Dict[str, Any], *words: str) -> str:
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [{"box_of_tests": {}}, *tasks]}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
        settings = {
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
            "SSH_CONNECTION": "192.0.2.7 50000 192.0.2.10 22",
        }
        given = ("-e", json.dumps({"__common_box": {"packages": ["asterisk-common"]}, **variables}))
        return run("ansible-playbook", *HERE, *given, *words, str(self.folder / "play.yml"), **settings)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("stage"))


def trial(number: int, part: str, settings: Dict[str, Any]) -> Dict[str, Any]:
    """Return a task that runs a part of the preflight, and notes what it said if it failed."""
    role = {"name": "switchroom.pbx.base", "tasks_from": part}
    note = "{{ said | default({}) | combine({'" + str(number) + "': ansible_failed_result}) }}"
    return {
        "block": [{"include_role": role, "vars": settings}],
        "rescue": [{"set_fact": {"said": note}}],
    }


def test_preflight_refuses_wrong_settings_and_names_the_variable(stage: Stage) -> None:
    cases = [*TAKEN, *REFUSED]
    tasks = [trial(number, part, settings) for number, (part, _, settings) in enumerate(cases)]
    answer = stage.folder / "said.json"
    stage.play([*tasks, {"copy": {"content": "{{ said | to_json }}", "dest": str(answer)}}], {})
    said = json.loads(answer.read_text())
    for number, (_, variable, settings) in enumerate(cases):
        result = said.get(str(number), {"msg": ""})
        assert variable in f"{result['msg']} {result.get('argument_errors')}", settings
        assert bool(result["msg"]) == bool(variable), settings
    assert "a\\nb" not in answer.read_text()


@pytest.mark.parametrize(
    ("profile", "mode", "called"),
    [
        ("asterisk", "permissive", "Enforcing"),
        ("freepbx", "enforcing", "Permissive"),
        ("asterisk", "enforcing", None),
    ],
)
def test_selinux_gets_the_profiles_mode_now_and_after_a_boot(
    stage: Stage, tmp_path: Path, profile: str, mode: str, called: Optional[str]
) -> None:
    now = {"status": "enabled", "mode": mode, "config_mode": mode}
    shown = selinux(stage, tmp_path, now, profile, "--check")
    assert not (tmp_path / "called").exists()
    assert f"changed={2 if called else 0}" in shown
    assert "failed=0" in selinux(stage, tmp_path, now, profile)
    wanted = (called or mode).lower()
    assert (tmp_path / "config").read_text() == f"# comment\nSELINUX={wanted}\nSELINUXTYPE=targeted\n"
    assert (tmp_path / "called").exists() == bool(called)
    if called:
        assert (tmp_path / "called").read_text() == f"{called}\n"


def test_a_box_without_selinux_is_left_alone_and_told_so(stage: Stage, tmp_path: Path) -> None:
    shown = selinux(stage, tmp_path, {"status": "disabled"}, "asterisk")
    assert "SELinux is disabled on localhost" in shown
    assert "changed=0" in shown
    assert (tmp_path / "config").read_text().startswith("# comment\nSELINUX=disabled\n")


def selinux(stage: Stage, folder: Path, now: Dict[str, str], profile: str, *words: str) -> str:
    """Run the part for SELinux, with a configuration and a ``setenforce`` of the test's own."""
    config = folder / "config"
    if not config.exists():
        config.write_text(f"# comment\nSELINUX={now.get('mode', 'disabled')}\nSELINUXTYPE=targeted\n")
    stage.program("setenforce", f"#!/bin/sh\necho $1 >> {folder / 'called'}\n")
    variables = {"__base_selinux": now, "__base_path_selinux": str(config), "base_profile": profile}
    role = {"name": "switchroom.pbx.base", "tasks_from": "selinux"}
    return stage.play([{"include_role": role}], variables, *words)
