"""What the FAKE ``fwconsole`` knows and does where the fake tarball was installed, by way of MariaDB."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

_CONF = Path("/etc/freepbx.conf")
_ETC = Path("/etc/asterisk")
_TABLES = Path("/var/lib/asterisk/bin/tables.json")
# Installed by name only; the real one's order of dependencies has such modules too.
_NOT_LOCAL = {"api"}


def query(sql: str, **values: str) -> List[List[str]]:
    """Run SQL, with each value as the variable ``@name``, and return the rows.

    Without a database it ends the program with 1 and a trace, as the real one.
    """
    given = dict(re.findall(r"\['AMPDB([A-Z]+)'\] = '([^']*)'", _CONF.read_text()))
    words = ["mariadb", f"--user={given['USER']}", "--batch", "--skip-column-names", "--raw", given["NAME"]]
    known = "".join(
        f"SET @{name} = CONVERT(X'{one.encode().hex()}' USING utf8mb4) COLLATE utf8mb4_unicode_ci;"
        for name, one in values.items()
    )
    # A fake may: the environment is root's or asterisk's own.
    secret = {**os.environ, "MYSQL_PWD": given["PASS"]}
    done = subprocess.run(words, input=known + sql, env=secret, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"In BootstrapError:\n\n  [PDOException] {done.stderr.strip()}\n")
        sys.exit(1)
    return [line.split("\t") for line in done.stdout.splitlines()]


def load() -> Dict[str, Any]:
    """Return what the databases know, in the shape of the fake's file."""
    settings = {
        key: [kind, value] for key, kind, value in query("SELECT keyword, type, value FROM freepbx_settings")
    }
    return {"settings": settings, "modules": modules(), "notifications": []}


def modules() -> List[List[str]]:
    """Return a row for each module that lies in the web root, and for the built-in one."""
    enabled = {
        name: (version, on) for name, version, on in query("SELECT modulename, version, enabled FROM modules")
    }
    rows = []
    for folder in sorted((web_root() / "admin/modules").iterdir()):
        version, on = enabled.get(folder.name, ("", "none"))
        state = {"1": "Enabled", "0": "Disabled"}.get(on, "Not Installed (Locally available)")
        rows.append([folder.name, version, state, "GPLv3+", "Sangoma"])
    return [*rows, ["builtin", "", "Enabled", "", ""]]


def web_root() -> Path:
    """Return the folder that the web server shows."""
    return Path(query("SELECT value FROM freepbx_settings WHERE keyword = 'AMPWEBROOT'")[0][0])


def put(key: str, value: str) -> None:
    """Change a setting."""
    query("UPDATE freepbx_settings SET value = @value WHERE keyword = @key", key=key, value=value)


def module_action(action: str, names: List[str]) -> None:
    """Install, enable or disable modules; what cannot be done is said and ends with 0, as the real one."""
    if action == "installlocal":
        names = [row[0] for row in modules() if row[2].startswith("Not") and row[0] not in _NOT_LOCAL]
    for name in names:
        if not (web_root() / "admin/modules" / name / "module.xml").is_file():
            print(f"Unable to install module {name}:\n - Cannot find module")
        elif action in ("install", "installlocal"):
            install(name)
        elif action in ("enable", "disable"):
            on = str(int(action == "enable"))
            query("UPDATE modules SET enabled = @on WHERE modulename = @name", on=on, name=name)


def install(name: str) -> None:
    """Install one module that lies on the box."""
    version = query("SELECT value FROM admin WHERE variable = 'version'")[0][0]
    row = {"name": name, "version": version}
    query("DELETE FROM modules WHERE modulename = @name", **row)
    query("INSERT INTO modules (modulename, version, enabled) VALUES (@name, @version, 1)", **row)
    if name == "api":
        (table,) = json.loads(_TABLES.read_text())["api"].items()
        query(f"CREATE TABLE IF NOT EXISTS {table[0]} ({', '.join(table[1])})")
    if name == "core":
        put("DIALPARTIESDIALPLAN", "0")  # what an old core's install.php does each time
    if name == "framework":
        add_cron_job()
    print(f"Module {name} successfully installed")


def add_cron_job() -> None:
    """Write the one line into asterisk's crontab, whatever else is there."""
    whose = ["crontab", *(["-u", "asterisk"] if os.geteuid() == 0 else [])]
    line = "* * * * * [ -e /usr/sbin/fwconsole ] && /usr/sbin/fwconsole job --run --quiet 2>&1 > /dev/null"
    old = subprocess.run([*whose, "-l"], capture_output=True, text=True, check=False).stdout
    kept = [one for one in old.splitlines() if "fwconsole job --run" not in one]
    text = "\n".join([*kept, line, ""])
    subprocess.run([*whose, "-"], input=text, text=True, check=True)


def chown() -> None:
    """Give files their owner and mode as Chown.class.php does."""
    for path in (web_root(), _ETC, Path("/var/lib/asterisk/bin")):
        subprocess.run(["chown", "--recursive", "asterisk:asterisk", str(path)], check=True)
    subprocess.run(["chmod", "--recursive", "u=rwX,g=rX,o=", str(_ETC)], check=True)
    for path in (_CONF, Path("/etc/amportal.conf")):
        subprocess.run(["chown", "asterisk:asterisk", str(path)], check=True)
        path.chmod(0o640)


def write_dialplan() -> None:
    """Write what a reload generates: a transport and a dialplan that says which settings it was made with."""
    (_ETC / "pjsip.transports.conf").write_text(
        "[0.0.0.0-udp]\ntype = transport\nprotocol = udp\nbind = 0.0.0.0:5060\nallow_reload = yes\n"
    )
    inline = load()["settings"]["DIALPARTIESDIALPLAN"][1]
    (_ETC / "extensions_additional.conf").write_text(
        f"[globals]\nDIALPARTIESDIALPLAN = {inline}\n[from-internal]\nexten => *60,1,Answer()\n"
    )
