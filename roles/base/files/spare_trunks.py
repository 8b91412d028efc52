"""Keeps fail2ban's jail for Asterisk from banning trunks: anybody can write their address into a SIP packet.

Without arguments, as root: has fail2ban ignore them, and lets in those that are banned. With "--list FOLDER",
as the user asterisk, whose files these are: prints what Asterisk's configuration names, one a line.
"""

import contextlib
import ipaddress
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

FOLDER = "/etc/asterisk"
JAIL = "asterisk"
# Where res_pjsip has trunks; https://docs.asterisk.org/Configuration/Channel-Drivers/SIP/Configuring-res_pjsip/
NAMED = re.compile(r"(?im)^[ \t]*(match|server_uri|contact|outbound_proxy)[ \t]*=>?[ \t]*([^;\n]{1,500})")
SIX = r"[0-9A-Fa-f]*(?::[0-9A-Fa-f]*){2,}"
HOST = re.compile(rf"^(?:.*<)?(?:sips?:)?(?:[^@]*@)?(\[{SIX}\]|{SIX}(?:/\d+)?|[\w.-]+(?:/[\d.]+)?)")
LARGEST = 1 << 20  # bytes of a file
MOST = 500  # files, and addresses: each is compared whenever somebody fails to log in
WIDEST = {4: 16, 6: 32}  # bits; what is wider is no trunk's
AS_ASTERISK = (
    *("timeout", "20"),  # names may have to be looked up
    *("setpriv", "--reuid=asterisk", "--regid=asterisk", "--init-groups", "--no-new-privs", "--reset-env"),
    *("env", "--chdir=/", "LC_ALL=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"),
)


def hosts(folder):
    """Return the names, addresses and networks that the configuration has for trunks."""
    found = {}
    for path in sorted(Path(folder).glob("pjsip*.conf"))[:MOST]:
        with contextlib.suppress(OSError), path.open(encoding="utf-8", errors="replace") as stream:
            for key, value in NAMED.findall(stream.read(LARGEST)):
                words = value.split(",") if key.lower() == "match" else [value]
                matches = [HOST.match(word.strip()) for word in words]
                found.update((match[1].strip("[]"), None) for match in matches if match)
    return list(found)


def network(text):
    """Return a network, or None where the text is none, or one of more than a trunk's addresses."""
    try:
        one = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return one if one.prefixlen >= WIDEST[one.version] else None


def show(folder):
    """Print networks and addresses, then what the names lead to, each as it is found."""
    every = hosts(folder)
    for host in every:
        if network(host):
            print(network(host), flush=True)
    for host in every:
        if re.search("[A-Za-z]", host) and ":" not in host:
            with contextlib.suppress(OSError, UnicodeError):
                for answer in socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM):
                    print(answer[4][0], flush=True)


def told():
    """Return the networks that asterisk names, as far as they are some: what it says is not trusted."""
    words = [*AS_ASTERISK, sys.executable, "-I", os.path.realpath(__file__), "--list", FOLDER]
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(words, stdin=null, stdout=pipe, stderr=null, start_new_session=True) as child:
        said = child.stdout.read(MOST * 50)
        child.stdout.close()
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
    found = dict.fromkeys(network(line.strip()) for line in said.decode("ascii", "replace").splitlines())
    return [one for one in found if one][:MOST]


def client(*words):
    """Ask fail2ban; return what it says, nothing where it does not run."""
    done = subprocess.run(["fail2ban-client", *words], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def listed(what):
    """Return the networks of one of the jail's lists."""
    found = (network(word) for word in re.findall(r"[0-9A-Fa-f.:]+(?:/\d+)?", client("get", JAIL, what)))
    return [one for one in found if one]


def spare():
    """Have fail2ban ignore the trunks, and let in who is banned."""
    trunks, known = told(), listed("ignoreip")
    for one in trunks:
        if one not in known:
            client("set", JAIL, "addignoreip", str(one))
    for banned in listed("banip"):
        if any(banned.version == one.version and banned.subnet_of(one) for one in trunks):
            client("set", JAIL, "unbanip", str(banned.network_address))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--list"]:
        show(sys.argv[2])
    else:
        spare()
