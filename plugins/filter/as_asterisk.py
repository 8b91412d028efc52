# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The argument list that runs another one as the user asterisk."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: as_asterisk
short_description: The argument list that runs another one as the user asterisk
version_added: "0.1.0"
description:
  - For programs and files that the user asterisk can change. Root runs and writes none of them; it starts a
    process of asterisk's, with a session, an environment and a folder of its own.
  - Needs no files that asterisk can read, and no package for access lists, as Ansible's C(become_user) does.
author:
  - The Switchroom developers (@switchroom)
options:
  _input:
    description: The program and its arguments.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Have Asterisk open its logs anew
  ansible.builtin.command:
    argv: "{{ ['asterisk', '-rx', 'logger reload'] | switchroom.pbx.as_asterisk }}"
"""

RETURN = r"""
_value:
  description: The whole argument list.
  type: list
  elements: str
"""

from ansible_collections.switchroom.pbx.plugins.module_utils.as_asterisk import PREFIX


def as_asterisk(words):
    """Return the argument list that runs ``words`` as asterisk."""
    return [*PREFIX, *words]


class FilterModule:
    """What Ansible loads."""

    def filters(self):
        """Return the filter by its name."""
        return {"as_asterisk": as_asterisk}
