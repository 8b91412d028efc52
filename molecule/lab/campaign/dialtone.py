"""A real call from the host: answered, with sound both ways."""

from __future__ import annotations

from pathlib import Path

from lab.boxes import Box
from switchroom.core import process
from switchroom.core.errors import SwitchroomError

EXTENSION = "100"
_LEAST_PACKETS = 20
_MILLISECONDS = 2500

# Whoever calls from the lab's network is let in. The box registers with itself, so that a registration and a
# contact have to come back after every start.
PJSIP = """\
[transport-udp]
type = transport
protocol = udp
bind = 0.0.0.0:5060

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
match = {network}

[trunk]
type = endpoint
context = lab
disallow = all
allow = ulaw
aors = trunk
auth = trunk

[trunk]
type = aor
max_contacts = 1
remove_existing = yes

[trunk]
type = auth
auth_type = userpass
username = trunk
password = lab-only

[provider]
type = registration
transport = transport-udp
outbound_auth = trunk
server_uri = sip:127.0.0.1:5060
client_uri = sip:trunk@127.0.0.1:5060
contact_user = trunk
retry_interval = 1
max_retries = 10000
expiration = 60
"""
# The caller sends back what it hears, so packets received are sound that went both ways.
DIALPLAN = f"""\
[lab]
exten => {EXTENSION},1,Answer()
 same => n,Playback(hello-world)
 same => n,Set(GLOBAL(LAB_PLAYED)=${{PLAYBACKSTATUS}})
 same => n,Set(GLOBAL(LAB_RECEIVED)=${{CHANNEL(rtcp,rxcount)}})
 same => n,Wait(10)
"""


def configure(root: Path, subnet: str) -> None:
    """Write the configuration that a trial's box has, for callers from ``subnet`` (three numbers)."""
    (root / "etc/asterisk/pjsip.conf").write_text(PJSIP.format(network=f"{subnet}.0/24"))
    (root / "etc/asterisk/extensions.conf").write_text(DIALPLAN)


def call(box: Box) -> None:
    """Call the box; raises SwitchroomError unless the call is answered, heard and ended as SIP demands."""
    box.output("asterisk", "-rx", "dialplan set global LAB_RECEIVED 0")
    limits = ["-m", "1", "-d", str(_MILLISECONDS), "-timeout", "15s", "-timeout_error"]
    process.run(
        ["sipp", "-sn", "uac", f"{box.address}:5060", "-s", EXTENSION, *limits, "-rtp_echo", "-nostdin"],
        what=f"The SIP call to extension '{EXTENSION}'",
    )
    said = box.output("asterisk", "-rx", "dialplan show globals").splitlines()
    heard = dict(line.strip().split("=", 1) for line in said if "=" in line)
    if heard.get("LAB_PLAYED") != "SUCCESS" or int(heard.get("LAB_RECEIVED", 0)) < _LEAST_PACKETS:
        raise SwitchroomError("The call had no sound both ways.", cause=str(heard))
