# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How root runs what the user asterisk may change: as asterisk, with nothing of root's in its hands."""

from __future__ import annotations

# A session of its own: a program of another user that keeps root's terminal can type into it. Nothing of
# root's environment; PATH has what FreePBX calls, and its words, which are looked for, are not translated.
PREFIX = [
    "setsid",
    "--wait",
    "setpriv",
    "--reuid=asterisk",
    "--regid=asterisk",
    "--init-groups",
    "--reset-env",
    "env",
    "--chdir=/",
    "LC_ALL=C",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
]
