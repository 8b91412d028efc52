# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tests whether a text is a network or an address, with the standard library alone."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: network
short_description: Whether a text is a network or an address
version_added: "0.1.0"
author:
  - The Switchroom developers (@switchroom)
description:
  - True for an IPv4 or IPv6 address and for a network in CIDR notation without bits set beyond its prefix.
  - V(192.0.2.1/24) is none. It is V(192.0.2.0/24) or V(192.0.2.1), and guessing would open a firewall
    wrongly.
options:
  _input:
    description: What to judge.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Only networks
  ansible.builtin.assert:
    that: base_sip_networks | reject('switchroom.pbx.network') | length == 0
"""

RETURN = r"""
_value:
  description: Whether it is one.
  type: bool
"""

import ipaddress


def network(value):
    """Return whether ``value`` is an address or a network."""
    try:
        return isinstance(value, str) and bool(ipaddress.ip_network(value))
    except ValueError:
        return False


class TestModule:
    """What Ansible loads."""

    def tests(self):
        """Return the test by its name."""
        return {"network": network}
