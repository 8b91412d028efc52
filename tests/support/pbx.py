"""The Asterisk configuration of a box that takes the tests' calls, in the three forms that boxes have."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Mapping

from lab import network
from lab.boxes import Box
from lab.roots import inside
from switchroom.box import engines
from switchroom.box.paths import Paths

_ORIGINAL = "var/lib/lab-etc-asterisk"  # the configuration as it was before the first call

FORMS = ("switchroom", "samples", "freepbx")
SHORT, LONG = "100", "200"  # extensions: a greeting and the end; sound until the caller hangs up

# The box is its own registrar: a registration exists, is lost with a restart, and has to come back.
_PJSIP = f"""\
[global]
type = global
user_agent = Asterisk

[transport-udp]
type = transport
protocol = udp
bind = 0.0.0.0:5060

[caller]
type = endpoint
context = lab
disallow = all
allow = ulaw
direct_media = no
aors = caller

[caller]
type = aor
max_contacts = 1
remove_existing = yes

[caller]
type = identify
endpoint = caller
match = {network.HOST}
match = 127.0.0.1

[registration]
type = registration
server_uri = sip:127.0.0.1
client_uri = sip:caller@127.0.0.1
contact_user = caller
max_random_initial_delay = 1
retry_interval = 1
fatal_retry_interval = 1
forbidden_retry_interval = 1
max_retries = 10000
expiration = 120
"""
# The caller sends back what it hears, so packets received are media that went both ways.
_DIALPLAN = f"""\
[lab]
exten => {SHORT},1,Answer()
 same => n,Playback(hello-world)
 same => n,Set(GLOBAL(LAB_PLAYED)=${{PLAYBACKSTATUS}})
 same => n,Wait(60)
exten => {LONG},1,Answer()
 same => n,MusicOnHold(default)
exten => h,1,Set(GLOBAL(LAB_RECEIVED)=${{CHANNEL(rtcp,rxcount)}})
"""
# chan_sip beside PJSIP, on the port that FreePBX gives it.
_CHAN_SIP = "\n[general](+)\nudpbindaddr = 0.0.0.0:5160\n"
# What FreePBX 16 and 17 write: every stock path spelled out, and no template mark.
_FREEPBX = """\
[directories]
astetcdir => /etc/asterisk
astmoddir => /usr/lib64/asterisk/modules
astvarlibdir => /var/lib/asterisk
astagidir => /var/lib/asterisk/agi-bin
astspooldir => /var/spool/asterisk
astrundir => /var/run/asterisk
astlogdir => /var/log/asterisk
astdatadir => /var/lib/asterisk

[options]
transmit_silence_during_record = yes
languageprefix = yes
execincludes = yes
dontwarn = yes

[files]
astctlpermissions = 775

[modules]
autoload = yes
"""


def noted(box: Box) -> Mapping[str, str]:
    """Return what the box's calls left behind: LAB_PLAYED and, of calls that are over, LAB_RECEIVED."""
    printed = box.run("asterisk", "-rx", "dialplan show globals", check=False).stdout.decode()
    return dict(line.strip().split("=", 1) for line in printed.splitlines() if "=" in line)


def apply(root: Path, form: str = "switchroom") -> None:
    """Write the configuration into the box whose files are at ``root``; Asterisk reads it when it starts.

    ``form`` is one of FORMS: ``switchroom`` is asterisk-common's own, ``samples`` what ``make samples`` of
    the selected engine installs, ``freepbx`` asterisk-common's with FreePBX's asterisk.conf. Whatever was
    written there since the first call is gone.
    """
    target = root / "etc/asterisk"
    _restore(target, root / _ORIGINAL)
    if form == "samples":
        _install_samples(root, target)
    if form == "freepbx":
        (target / "asterisk.conf").write_text(_FREEPBX)
    (target / "pjsip.conf").write_text(_PJSIP)
    (target / "extensions.conf").write_text(_DIALPLAN)
    inside(root, "chown", "--recursive", "asterisk:asterisk", "/etc/asterisk")


def _restore(target: Path, original: Path) -> None:
    if original.exists():
        shutil.rmtree(target)
        shutil.copytree(original, target, symlinks=True)
    else:
        shutil.copytree(target, original, symlinks=True)


def _install_samples(root: Path, target: Path) -> None:
    paths = Paths(root)
    engine = engines.active(paths)
    assert engine, "no engine is selected"
    for old in target.glob("*.conf"):
        old.unlink()
    for sample in (root / engine.prefix.relative_to("/") / "share/samples").glob("*.sample"):
        shutil.copyfile(sample, target / sample.name.removesuffix(".sample"))
    # Debian's manager.conf includes this folder, and Asterisk refuses a file whose include matches nothing.
    (target / "manager.d/none.conf").touch()
    if (target / "sip.conf").exists():
        with (target / "sip.conf").open("a") as stream:
            stream.write(_CHAN_SIP)
